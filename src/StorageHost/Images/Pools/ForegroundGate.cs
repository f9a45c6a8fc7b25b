namespace StorageHost.Images.Pools;

/// <summary>
/// Claims and misses go first, because somebody waits for them. Filling, claiming ahead and giving back yield to them, but for a limited
/// time, so that they get on under any load.
/// </summary>
internal sealed class ForegroundGate(TimeProvider time)
{
    /// <summary>As long after the last claim the next may still follow: claims come in bursts.</summary>
    private static readonly TimeSpan BurstGap = TimeSpan.FromMilliseconds(50);

    /// <summary>As long after the last claim more are expected.</summary>
    private static readonly TimeSpan BusyWindow = TimeSpan.FromSeconds(5);

    /// <summary>How long one step in the background waits for claims before it goes on.</summary>
    private static readonly TimeSpan YieldLimit = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    private int urgent;
    private long lastEnded = long.MinValue;

    /// <summary>Whether claims came lately, or are under way.</summary>
    public bool IsBusy => HasUrgent(BusyWindow);

    /// <summary>Marks a claim or a miss as under way, until it is disposed of.</summary>
    public IDisposable Enter()
    {
        Interlocked.Increment(ref urgent);
        return new Entry(this);
    }

    /// <summary>Waits until nothing urgent is under way, but only for so long that a step in the background gets on.</summary>
    public ValueTask YieldAsync(CancellationToken cancellationToken) => YieldAsync(YieldLimit, cancellationToken);

    /// <summary>The same for steps that are so many that each may wait for this long only.</summary>
    public async ValueTask YieldAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        for (var started = time.GetTimestamp(); HasUrgent(BurstGap) && time.GetElapsedTime(started) < limit;)
        {
            await Task.Delay(PollInterval, time, cancellationToken);
        }
    }

    private bool HasUrgent(TimeSpan lately) => Volatile.Read(ref urgent) > 0
        || (Volatile.Read(ref lastEnded) is var ended && ended != long.MinValue && time.GetElapsedTime(ended) < lately);

    private sealed class Entry(ForegroundGate gate) : IDisposable
    {
        public void Dispose()
        {
            Volatile.Write(ref gate.lastEnded, gate.Now);
            Interlocked.Decrement(ref gate.urgent);
        }
    }

    private long Now => time.GetTimestamp();
}
