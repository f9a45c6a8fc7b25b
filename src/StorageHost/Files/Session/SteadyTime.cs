namespace StorageHost.Files.Session;

/// <summary>A clock that nobody can set: for what measures pauses by the time of day, as the breaker's library does.</summary>
internal sealed class SteadyTime(TimeProvider time) : TimeProvider
{
    private readonly DateTimeOffset start = time.GetUtcNow();
    private readonly long started = time.GetTimestamp();

    public override long TimestampFrequency => time.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => start + time.GetElapsedTime(started);

    public override long GetTimestamp() => time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        time.CreateTimer(callback, state, dueTime, period);
}
