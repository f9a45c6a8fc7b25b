using System.Collections.Concurrent;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>
/// Unlinks the private names of files that have been published, once claims pause or a second is over: of a burst of claims, nobody waits
/// for the tidying of the one before. What is left when the daemon dies, recovery unlinks.
/// </summary>
internal sealed class Tidying(StorageVolume volume, RightOfWay way, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>For so long the end of the daemon waits.</summary>
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly CancellationTokenSource left = new();
    private readonly ConcurrentQueue<PrivateFile> files = new();
    private Task last = Task.CompletedTask;
    private int waiting;

    /// <summary>Takes over a file that has its final name.</summary>
    public void Leave(PrivateFile file)
    {
        files.Enqueue(file);
        if (Interlocked.Exchange(ref waiting, 1) == 0)
        {
            var tidying = TidyAsync();
            lock (gate)
            {
                last = Task.WhenAll(last, tidying);
            }
        }
    }

    /// <summary>Tidies up now, as far as the storage lets it within two seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        await using var late = time.CreateTimer(_ => left.Cancel(), null, LeaveTimeout, Timeout.InfiniteTimeSpan);
        await UnlinkAsync(TimeSpan.Zero);
        Task begun;
        lock (gate)
        {
            begun = last;
        }

        await begun;
    }

    private async Task TidyAsync()
    {
        var started = time.GetTimestamp();
        await way.GiveWayAsync(Patience, CancellationToken.None);

        // Before the files are taken: one that is left from here on begins anew.
        Interlocked.Exchange(ref waiting, 0);
        await UnlinkAsync(Patience - time.GetElapsedTime(started));
    }

    /// <summary>Unlinks what is there, and gives way before each file, but no longer than that in all.</summary>
    private async Task UnlinkAsync(TimeSpan patience)
    {
        for (var started = time.GetTimestamp(); files.TryDequeue(out var file);)
        {
            await way.GiveWayAsync(patience - time.GetElapsedTime(started), CancellationToken.None);
            using (file)
            {
                try
                {
                    await volume.RunAsync("unlink a private name", (VolumeSession session, StorageCall<bool> _) => session.Mount.TryUnlink(file.Name), left.Token);
                }
                catch (Exception exception) when (exception is RefusedException or OperationCanceledException)
                {
                    // Recovery does it when the storage answers again.
                }
            }
        }
    }
}
