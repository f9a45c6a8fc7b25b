using System.Collections.Concurrent;
using StorageHost.Images.Names;

namespace StorageHost.Images.Pools;

/// <summary>
/// Templates that are still being written: until they have settled, their pools are left alone, and not even callers are served.
/// </summary>
internal sealed class UnsettledTemplates(PoolTable pools, TimeProvider time)
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10);

    private readonly ConcurrentDictionary<ImageName, Backoff> resting = new();

    /// <summary>Whether the pool of an image is to be left alone for now.</summary>
    public bool Contains(ImageName image) => resting.TryGetValue(image, out var settling) && settling.IsResting;

    /// <summary>Leaves a pool alone until its template has settled, and then calls for it.</summary>
    public void PutOff(ImageName image, TimeSpan rest, CancellationToken stoppingToken)
    {
        var settling = resting.GetOrAdd(image, _ => new Backoff(time));
        settling.RestFor(rest);
        _ = RingAsync();

        async Task RingAsync()
        {
            // A timer may come a moment early, and nobody calls again.
            for (var wait = rest; settling.IsResting && !stoppingToken.IsCancellationRequested; wait = Moment)
            {
                await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            pools.Ring();
        }
    }
}
