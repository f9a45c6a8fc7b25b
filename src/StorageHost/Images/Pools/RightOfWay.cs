namespace StorageHost.Images.Pools;

/// <summary>
/// Claims and misses have the right of way: somebody waits for them. What fills pools, claims ahead and tidies gives way, but never for
/// longer than it says, so that it gets on under any load.
/// </summary>
internal sealed class RightOfWay(TimeProvider time)
{
    /// <summary>As long after the last claim the next may still follow: claims come in bursts.</summary>
    private static readonly TimeSpan Lull = TimeSpan.FromMilliseconds(50);

    /// <summary>As long after the last claim more are expected.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private int urgent;
    private long lastEnded = long.MinValue;

    /// <summary>Whether claims came lately, or are under way.</summary>
    public bool IsBusy => HasUrgent(Memory);

    /// <summary>Takes the right of way, until it is disposed of.</summary>
    public IDisposable Take()
    {
        Interlocked.Increment(ref urgent);
        return new Right(this);
    }

    /// <summary>Waits until nothing urgent is under way, but no longer than <paramref name="limit"/>.</summary>
    public async ValueTask GiveWayAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        for (var started = time.GetTimestamp(); HasUrgent(Lull) && time.GetElapsedTime(started) < limit;)
        {
            await Task.Delay(Look, time, cancellationToken);
        }
    }

    private bool HasUrgent(TimeSpan lately) => Volatile.Read(ref urgent) > 0
        || (Volatile.Read(ref lastEnded) is var ended && ended != long.MinValue && time.GetElapsedTime(ended) < lately);

    private sealed class Right(RightOfWay way) : IDisposable
    {
        public void Dispose()
        {
            Volatile.Write(ref way.lastEnded, way.Now);
            Interlocked.Decrement(ref way.urgent);
        }
    }

    private long Now => time.GetTimestamp();
}
