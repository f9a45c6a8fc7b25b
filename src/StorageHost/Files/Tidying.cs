using System.Collections.Concurrent;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>
/// Unlinks the private names of files that have been published, once claims pause or a second is over: of a burst of claims, nobody waits
/// for the tidying of the one before. What is left when the daemon dies, recovery unlinks.
/// </summary>
internal sealed class Tidying(StorageVolume volume, RightOfWay way) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ConcurrentQueue<PrivateFile> files = new();
    private Task last = Task.CompletedTask;
    private int waiting;

    /// <summary>Takes over a file that has its final name.</summary>
    public void Leave(PrivateFile file)
    {
        files.Enqueue(file);
        if (Interlocked.Exchange(ref waiting, 1) == 0)
        {
            last = TidyAsync();
        }
    }

    /// <summary>Tidies up now.</summary>
    public async ValueTask DisposeAsync()
    {
        await UnlinkAsync();
        await last;
    }

    private async Task TidyAsync()
    {
        await way.GiveWayAsync(Patience, CancellationToken.None);

        // Before the files are taken: one that is left from here on begins anew.
        Interlocked.Exchange(ref waiting, 0);
        await UnlinkAsync();
    }

    private async Task UnlinkAsync()
    {
        while (files.TryDequeue(out var file))
        {
            using (file)
            {
                try
                {
                    await volume.RunAsync("unlink a private name", (VolumeSession session, StorageCall<bool> _) => session.Mount.TryUnlink(file.Name), CancellationToken.None);
                }
                catch (RefusedException)
                {
                    // Recovery does it when the storage answers again.
                }
            }
        }
    }
}
