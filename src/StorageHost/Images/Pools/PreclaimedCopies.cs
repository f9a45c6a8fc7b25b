using System.Collections.Concurrent;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Pools;

/// <summary>
/// Claims copies ahead where callers ask for them, so that a hit is a link and an fsync: half of a level, so that other daemons on the
/// volume find some as well. When nobody has asked for a while, they go back to the pool.
/// </summary>
internal sealed partial class PreclaimedCopies(
    PoolTable pools, IPublisher publisher, ForegroundGate gate, TimeProvider time, ILogger<PreclaimedCopies> log)
{
    /// <summary>For so long after the last call more are expected.</summary>
    private static readonly TimeSpan Demand = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<ImageName, Task> busy = new();

    /// <summary>Begins to bring a pool's claims to their number, unless that is being done.</summary>
    public void Advance(Pool pool, CancellationToken stoppingToken)
    {
        if (pool.Held != Target(pool) && !stoppingToken.IsCancellationRequested)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (busy.TryAdd(pool.Image, done.Task))
            {
                _ = RunAsync(pool, done, stoppingToken);
            }
        }
    }

    /// <summary>Gives all claims back, when the daemon stops. What cannot be given back, recovery finds.</summary>
    public async Task GiveBackAsync()
    {
        await Task.WhenAll(busy.Values);
        foreach (var pool in pools.All)
        {
            await GuardedAsync(async () =>
            {
                while (pool.TakeHeld() is { } claim)
                {
                    await publisher.AddToPoolAsync(claim, CancellationToken.None);
                }
            });
        }
    }

    private int Target(Pool pool) =>
        !pool.Closing && pool.LastAsked is { } asked && time.GetElapsedTime(asked) < Demand ? (pool.Wanted + 1) / 2 : 0;

    private async Task RunAsync(Pool pool, TaskCompletionSource done, CancellationToken stoppingToken)
    {
        var steps = 0;
        try
        {
            await GuardedAsync(async () =>
            {
                await gate.YieldAsync(stoppingToken);
                for (; await StepAsync(pool, stoppingToken); steps++)
                {
                    await gate.YieldAsync(stoppingToken);
                }
            });
        }
        finally
        {
            busy.TryRemove(pool.Image, out _);
            done.SetResult();
        }

        if (steps > 0)
        {
            // While a copy was on its way it was in nobody's sight: the level may have changed.
            pools.Ring();
        }
    }

    /// <summary>Claims one copy or gives one back; false when there is nothing to do.</summary>
    private async Task<bool> StepAsync(Pool pool, CancellationToken cancellationToken)
    {
        if (pool.Held < Target(pool) && pool.Take() is { } copy)
        {
            if (await publisher.ClaimAsync(copy, cancellationToken) is { } claim)
            {
                pool.Hold(claim);
            }

            return true;
        }

        if (pool.Held > Target(pool) && pool.TakeHeld() is { } held)
        {
            pool.Put(await publisher.AddToPoolAsync(held, cancellationToken));
            return true;
        }

        return false;
    }

    private async Task GuardedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
        catch (RefusedException exception)
        {
            // The copies are where they are; the next scan or recovery finds them.
            LogHindered(exception.Message);
        }
#pragma warning disable CA1031 // Nobody waits for this, so nobody else would hear of it; the next turn tries again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogBroken(exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Copies cannot be claimed ahead or given back now: {Reason}")]
    private partial void LogHindered(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected failure of claiming copies ahead")]
    private partial void LogBroken(Exception exception);
}
