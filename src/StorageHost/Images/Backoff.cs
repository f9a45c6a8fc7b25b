namespace StorageHost.Images;

/// <summary>How long to leave a pool alone after its last pass failed: one second, then twice as long each time, up to a minute.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private TimeSpan pause = TimeSpan.FromSeconds(1);
    private DateTimeOffset until;

    public bool IsResting => time.GetUtcNow() < until;

    /// <summary>Begins a pause. During one nothing changes: callers who fail one after another say no more than the first.</summary>
    public void Rest()
    {
        if (!IsResting)
        {
            until = time.GetUtcNow() + pause;
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }
    }

    /// <summary>Waits for what somebody else does, without growing impatient.</summary>
    public void RestFor(TimeSpan span) => until = time.GetUtcNow() + span;

    public void Reset() => (pause, until) = (TimeSpan.FromSeconds(1), default);
}
