using System.Collections.Concurrent;
using StorageHost.Images.Names;

namespace StorageHost.Images.Pools;

/// <summary>The pools that this daemon knows of, and the bell that calls the reconciler to them.</summary>
internal sealed class PoolTable(TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<ImageName, Pool> pools = new();
    private readonly SemaphoreSlim bell = new(0, 1);
    private int waiting;

    /// <summary>All of them, sorted by image.</summary>
    public IReadOnlyList<Pool> All => [.. pools.Values.OrderBy(pool => pool.Image.Text, StringComparer.Ordinal)];

    /// <summary>Takes a place among those who wait for copies of any image, until it is disposed of.</summary>
    /// <exception cref="RefusedException">TooManyRequests: that many wait already.</exception>
    public IDisposable EnterQueue(int limit)
    {
        if (Interlocked.Increment(ref waiting) > limit)
        {
            Interlocked.Decrement(ref waiting);
            throw new RefusedException(Refusal.TooManyRequests, $"{limit} callers wait for copies already");
        }

        return new Place(this);
    }

    public Pool Get(ImageName image) => pools.GetOrAdd(image, static image => new Pool(image));

    public Pool? Find(ImageName image) => pools.GetValueOrDefault(image);

    /// <summary>Forgets a pool of which nothing is left.</summary>
    public void Forget(Pool pool)
    {
        if (pool.TryForget())
        {
            pools.TryRemove(KeyValuePair.Create(pool.Image, pool));
        }
    }

    /// <summary>Says that something changed that the reconciler may have to act on.</summary>
    public void Ring()
    {
        try
        {
            bell.Release();
        }
        catch (SemaphoreFullException)
        {
            // It has been rung and not been heard yet.
        }
    }

    /// <summary>Waits until the bell rings, but no longer than that.</summary>
    public async Task ListenAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            await bell.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time to look without having been called.
        }
    }

    public void Dispose() => bell.Dispose();

    private sealed class Place(PoolTable pools) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref pools.waiting);
    }
}
