using System.Runtime.CompilerServices;
using StorageHost.ImageStorages;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.ImageStorages;

public sealed class PolledFactsTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly ManualTimeProvider clock = new();
    private readonly ListLog<PolledFactsTests> log = new();
    private readonly PolledFacts<string> facts;
    private readonly Disks disks = new();

    public PolledFactsTests() => facts = new PolledFacts<string>(disks, new PollLog("the disks", log), clock);

    /// <summary>Whether the pause between two looks is all that it waits for.</summary>
    private bool Rests => clock.Waits is [var pause] && pause < Deadline / 2;

    [Fact]
    public async Task A_failed_look_keeps_the_last_good_facts_and_their_time()
    {
        Assert.Same(Facts<string>.None, facts.Latest);
        await LookAsync(_ => Said("one"));
        Assert.Equal(new Facts<string>("one", ManualTimeProvider.Start, null), facts.Latest);
        clock.Advance(Interval);
        await LookAsync(_ => throw new FactsException("gone"));
        Assert.Equal(new Facts<string>("one", ManualTimeProvider.Start, "gone"), facts.Latest);
        await LookAsync(_ => throw new InvalidOperationException("secret"));
        Assert.Equal(new Facts<string>("one", ManualTimeProvider.Start, "internal error; the log says more"), facts.Latest);
        await LookAsync(_ => Said("two"));
        Assert.Equal(new Facts<string>("two", ManualTimeProvider.Start + Interval, null), facts.Latest);
    }

    [Fact]
    public async Task A_time_that_is_told_stands()
    {
        var taken = ManualTimeProvider.Start - Interval;
        await LookAsync(_ => Said(new Facts<string>("one", taken, null)));
        Assert.Equal(taken, facts.Latest.TakenAt);
    }

    [Fact]
    public async Task Trouble_is_logged_when_it_begins_and_when_it_ends()
    {
        await LookAsync(_ => Said("one"));
        await LookAsync(_ => throw new FactsException("gone"));
        await LookAsync(_ => throw new FactsException("gone"));
        await LookAsync(_ => throw new FactsException("away"));
        await LookAsync(_ => Said("two"));
        await LookAsync(_ => Said("three"));
        Assert.Equal(
            [
                "Warning: Nothing new is known of the disks: gone",
                "Warning: Nothing new is known of the disks: away",
                "Information: Readable again: the disks",
            ],
            log.Lines);
    }

    [Fact]
    public async Task What_single_parts_lack_is_logged_and_slows_nothing_down()
    {
        Assert.False(await LookAsync(_ => Said(new Facts<string>("one", null, null) { Gap = "one is half" })));
        Assert.Null(facts.Latest.Problem);
        Assert.True(await LookAsync(_ => Said(new Facts<string>("one", null, "half"))));
        Assert.Equal(["Warning: Nothing new is known of the disks: one is half", "Warning: Nothing new is known of the disks: half"], log.Lines);
    }

    [Fact]
    public async Task Where_there_never_was_anything_its_absence_is_no_problem()
    {
        Assert.True(await LookAsync(_ => throw new Absence()));
        Assert.Same(Facts<string>.None, facts.Latest);
        await LookAsync(_ => Said("one"));
        await LookAsync(_ => throw new Absence());
        Assert.Equal("not there", facts.Latest.Problem);
    }

    [Fact]
    public async Task What_comes_first_is_shown_while_the_rest_is_asked_for()
    {
        var rest = new TaskCompletionSource();
        var looking = LookAsync(_ => InTwo(rest.Task));
        Assert.Equal("first", facts.Latest.Value);
        rest.SetResult();
        await Eventually.EndsAsync(looking);
        Assert.Equal("second", facts.Latest.Value);
    }

    [Fact]
    public async Task A_look_that_never_ends_is_ended_and_is_the_only_one_meanwhile()
    {
        using var stop = new CancellationTokenSource();
        var polling = facts.RunAsync(stop.Token);
        await Eventually.HoldsAsync(() => Rests);
        disks.Look = HangAsync;
        clock.Advance(clock.Waits[0]);
        await Eventually.HoldsAsync(() => disks.Looks == 2 && clock.Waits.Count == 1);

        clock.Advance(Deadline - TimeSpan.FromSeconds(1));
        Assert.Equal((2, null), (disks.Looks, facts.Latest.Problem));
        clock.Advance(TimeSpan.FromSeconds(1));
        await Eventually.HoldsAsync(() => Rests);
        Assert.Equal(("one", "no answer within 00:05:00"), (facts.Latest.Value, facts.Latest.Problem));

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(polling));
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task It_looks_again_after_each_pause_which_grows_while_it_fails_and_ends_when_it_is_told()
    {
        using var stop = new CancellationTokenSource();
        var polling = facts.RunAsync(stop.Token);
        await PausesAsync(1);
        disks.Look = _ => throw new InvalidOperationException();
        foreach (var times in (int[])[2, 4, 4])
        {
            clock.Advance(clock.Waits[0]);
            await PausesAsync(times);
        }

        disks.Look = _ => Said("two");
        clock.Advance(clock.Waits[0]);
        await PausesAsync(1);
        Assert.Equal(5, disks.Looks);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(polling));

        async Task PausesAsync(int times)
        {
            await Eventually.HoldsAsync(() => Rests);
            Assert.InRange(clock.Waits[0], Interval * times * 0.9, Interval * times * 1.1);
        }
    }

    private static IAsyncEnumerable<Facts<string>> Said(string value) => Said(new Facts<string>(value, null, null));

    private static async IAsyncEnumerable<Facts<string>> Said(Facts<string> facts)
    {
        await Task.CompletedTask;
        yield return facts;
    }

    private static async IAsyncEnumerable<Facts<string>> InTwo(Task rest)
    {
        yield return new Facts<string>("first", null, null);
        await rest;
        yield return new Facts<string>("second", null, null);
    }

    private static async IAsyncEnumerable<Facts<string>> HangAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        yield break;
    }

    private Task<bool> LookAsync(Func<CancellationToken, IAsyncEnumerable<Facts<string>>> how)
    {
        disks.Look = how;
        return facts.LookAsync(CancellationToken.None);
    }

    private sealed class Disks : IPolled<string>
    {
        public PollPace Pace { get; } = new(Interval, Interval * 4, Deadline);

        public Func<CancellationToken, IAsyncEnumerable<Facts<string>>> Look { get; set; } = _ => Said("one");

        public int Looks { get; private set; }

        public IAsyncEnumerable<Facts<string>> LookAsync(CancellationToken cancellationToken)
        {
            Looks++;
            return Look(cancellationToken);
        }
    }

    private sealed class Absence() : FactsException("not there")
    {
        public override bool IsAbsence => true;
    }
}
