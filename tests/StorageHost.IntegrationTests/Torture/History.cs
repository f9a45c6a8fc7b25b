using System.Diagnostics;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>What an answer, or its absence, says of one file.</summary>
internal enum Sight
{
    /// <summary>The request has made it.</summary>
    Made,

    /// <summary>The request was refused since it was there.</summary>
    Found,

    /// <summary>The request has removed it.</summary>
    Removed,

    /// <summary>The request was refused since it was not there.</summary>
    Missed,

    /// <summary>Without an answer: it may have been made, then or at any time later.</summary>
    MayBeMade,

    /// <summary>Without an answer: it may have been removed, then or at any time later.</summary>
    MayBeRemoved,

    /// <summary>It was removed while a brick was away, which may bring it back for a while, also several times. It does not stay.</summary>
    MayReturn,
}

/// <summary>One request as its sender saw it.</summary>
/// <param name="Begun">When it was sent, by <see cref="Stopwatch"/>.</param>
/// <param name="Ended">When the answer came; for ever when none did.</param>
/// <param name="Sight">What it says.</param>
internal sealed record Event(long Begun, long Ended, Sight Sight)
{
    public static Event Of(long begun, Sight sight) =>
        new(begun, sight is Sight.MayBeMade or Sight.MayBeRemoved or Sight.MayReturn ? long.MaxValue : Stopwatch.GetTimestamp(), sight);

    public bool IsOpen => Ended == long.MaxValue;
}

/// <summary>The states that a file can be in.</summary>
[Flags]
public enum Possible
{
    /// <summary>There is no order of the requests in which they all were answered truly.</summary>
    Nothing = 0,
    Absent = 1,
    There = 2,
}

/// <summary>
/// The model: a file is there or not, and every request takes effect at one moment between being sent and being answered. What is back is there
/// too, until it goes by itself.
/// </summary>
internal static class History
{
    private const int Most = 64;

    private enum State
    {
        Absent,
        There,
        Back,
    }

    /// <summary>Finds the states that a file can be in after these requests, in any order that fits all answers.</summary>
    /// <param name="events">The requests for the file.</param>
    /// <param name="there">Whether it was there before.</param>
    public static Possible End(IReadOnlyList<Event> events, bool there)
    {
        if (events.Count > Most)
        {
            throw new ArgumentException($"More than {Most} requests for one file cannot be followed", nameof(events));
        }

        var answered = events.Select((each, at) => each.IsOpen ? 0UL : 1UL << at).Aggregate(0UL, (all, one) => all | one);
        var end = Possible.Nothing;
        var seen = new HashSet<(ulong Done, State Now)>();
        var open = new Stack<(ulong Done, State Now)>([(0, there ? State.There : State.Absent)]);
        while (open.TryPop(out var state))
        {
            if (!seen.Add(state))
            {
                continue;
            }

            if (state.Now == State.Back)
            {
                open.Push((state.Done, State.Absent));
            }
            else if ((state.Done & answered) == answered)
            {
                end |= state.Now == State.There ? Possible.There : Possible.Absent;
            }

            foreach (var at in Enumerable.Range(0, events.Count).Where(at => (state.Done & (1UL << at)) == 0 && MayBeNext(events, state.Done, at)))
            {
                if (Next(events[at].Sight, state.Now) is { } next)
                {
                    open.Push((events[at].Sight == Sight.MayReturn ? state.Done : state.Done | (1UL << at), next));
                }
            }
        }

        return end;
    }

    // Whatever was answered before this one was sent has to come first.
    private static bool MayBeNext(IReadOnlyList<Event> events, ulong done, int at) =>
        !events.Where((other, number) => (done & (1UL << number)) == 0 && other.Ended < events[at].Begun).Any();

    private static State? Next(Sight sight, State now) => (sight, now) switch
    {
        (Sight.Made or Sight.MayBeMade, State.Absent) => State.There,
        (Sight.Found, not State.Absent) => now,
        (Sight.Removed or Sight.MayBeRemoved, not State.Absent) => State.Absent,
        (Sight.Missed, State.Absent) => State.Absent,
        (Sight.MayReturn, State.Absent) => State.Back,
        _ => null,
    };
}
