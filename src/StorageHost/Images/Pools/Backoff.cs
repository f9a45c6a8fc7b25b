namespace StorageHost.Images.Pools;

/// <summary>How long to leave a pool alone after its last pass failed: one second, then twice as long each time, up to a minute.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private TimeSpan pause = TimeSpan.FromSeconds(1);
    private (long Since, TimeSpan For) rest;

    public bool IsResting => rest.For > TimeSpan.Zero && time.GetElapsedTime(rest.Since) < rest.For;

    /// <summary>Begins a pause. During one nothing changes: callers who fail one after another say no more than the first.</summary>
    public void Rest()
    {
        if (!IsResting)
        {
            RestFor(pause);
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }
    }

    /// <summary>Waits for what somebody else does, without growing impatient.</summary>
    public void RestFor(TimeSpan span) => rest = (time.GetTimestamp(), span);

    public void Reset() => (pause, rest) = (TimeSpan.FromSeconds(1), default);
}
