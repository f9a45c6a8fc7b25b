using StorageHost.ImageStorages;

namespace StorageHost.Files.Removing;

/// <summary>
/// How long all bricks of the served volume have been there, as far as is known. What is not known is no proof: then it takes longer, or
/// until another daemon knows. Clocks play no part, only time that has passed here.
/// </summary>
internal sealed class BrickCalm(IFacts<GlusterCluster> gluster, TimeProvider time)
{
    /// <summary>A deleted file comes back within seconds of its brick; the facts are renewed four times a minute.</summary>
    private static readonly TimeSpan WhenKnown = TimeSpan.FromMinutes(5);

    /// <summary>Without facts, or while something waits to be healed, which on a busy volume may never end.</summary>
    private static readonly TimeSpan WhenUnsure = TimeSpan.FromHours(1);

    private DateTimeOffset? takenAt;
    private long lastKnown;
    private long lastUnsure = time.GetTimestamp();
    private long lastAway = time.GetTimestamp();

    /// <summary>Takes up what is known now.</summary>
    /// <param name="source">What is mounted.</param>
    public void Look(string source)
    {
        var (facts, now) = (gluster.Latest, time.GetTimestamp());
        var isWhole = facts.Problem is null ? facts.Value?.IsWhole(GlusterCluster.VolumeOf(source)) : null;
        if (isWhole is not true)
        {
            lastUnsure = now;
        }
        else if (facts.TakenAt != takenAt)
        {
            (takenAt, lastKnown) = (facts.TakenAt, now);
        }

        // What was last known stays while nothing new is.
        lastAway = facts.Value?.IsWhole(GlusterCluster.VolumeOf(source)) is false ? now : lastAway;
    }

    /// <summary>Whether no brick can bring back any more what was deleted before that time.</summary>
    public bool HasLasted(long since) =>
        time.GetElapsedTime(Math.Max(since, lastUnsure), lastKnown) >= WhenKnown
            || time.GetElapsedTime(Math.Max(since, lastAway)) >= WhenUnsure;
}
