using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>A pool's lock. It is given back on a storage thread, and when that is done, the next pass can have it.</summary>
internal sealed class PoolLock(StorageThreads threads, IDisposable held) : IAsyncDisposable, IDisposable
{
    /// <summary>Gives it back when the storage answers; for a lock whose taker has left.</summary>
    public void Dispose() => threads.Release(held);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await threads.RunAsync(
                "unlock a pool",
                (StorageCall<bool> _) =>
                {
                    held.Dispose();
                    return true;
                },
                CancellationToken.None);
        }
        catch (RefusedException)
        {
            // The storage does not answer now. Whoever tries for the lock later sees it held or not.
            Dispose();
        }
    }
}
