using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;

namespace StorageHost.Files.Importing;

/// <summary>Looks every second whether another daemon asks to go on with an upload that this one has open.</summary>
internal sealed class NewerSender : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly VolumeSessions volume;
    private readonly TakenUpload taken;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource asks = new();
    private readonly CancellationTokenSource closing = new();
    private readonly Task looking;

    /// <summary>Begins to look.</summary>
    public NewerSender(VolumeSessions volume, TakenUpload taken, TimeProvider time)
    {
        (this.volume, this.taken, this.time) = (volume, taken, time);
        looking = LookAsync();
    }

    /// <summary>Cancelled when there is one, or the upload is gone.</summary>
    public CancellationToken Asks => asks.Token;

    /// <summary>Ends when nothing looks any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync();
        await looking;
        asks.Dispose();
        closing.Dispose();
    }

    private async Task LookAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(LookInterval, time, closing.Token);
                if (await IsAskedAsync())
                {
                    await asks.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It ends by itself.
        }
    }

    private async Task<bool> IsAskedAsync()
    {
        try
        {
            return await volume.RunAsync(
                "look at an upload",
                (VolumeSession _, StorageCall<bool> _) => UploadFiles.IsAsked(taken.File, taken.Stored.Status.Upload.Id),
                closing.Token);
        }
        catch (RefusedException refused)
        {
            // Gluster's words for a file that another node has removed.
            return refused.InnerException is StorageException { Errno: Errno.NoEntry or Errno.Stale };
        }
    }
}
