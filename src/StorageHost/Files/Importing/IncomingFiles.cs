using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;

namespace StorageHost.Files.Importing;

/// <summary>Makes the private files that templates come to be in, and removes those that nothing becomes of.</summary>
internal static class IncomingFiles
{
    /// <summary>Does something with a new one, which goes when that fails.</summary>
    /// <param name="volume">Where it is to lie.</param>
    /// <param name="image">Whose it is.</param>
    /// <param name="work">What is done.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="isDirect">Whether it is written past the page cache, in whole pages.</param>
    public static async Task<T> WithAsync<T>(
        VolumeSessions volume, ImageName image, Func<IncomingFile, Task<T>> work, CancellationToken cancellationToken,
        bool isDirect = true)
    {
        var file = await volume.TransferAsync(
            "create a template", (VolumeSession session, StorageCall<IncomingFile> _) => IncomingFile.Create(session, image, isDirect),
            cancellationToken);
        T made;
        try
        {
            made = await work(file);
        }
        catch (RefusedException refusal) when (refusal.Reason is Refusal.StorageTimeout or Refusal.StorageUnavailable)
        {
            // Whoever waits has waited for the storage already.
            _ = DiscardAsync(volume, file);
            throw;
        }
        catch
        {
            await DiscardAsync(volume, file);
            throw;
        }

        if (file.IsSpent)
        {
            await DiscardAsync(volume, file);
        }
        else
        {
            file.Dispose();
        }

        return made;
    }

    private static async Task DiscardAsync(VolumeSessions volume, IncomingFile file)
    {
        try
        {
            // The sender may be gone by now; what it leaves is removed all the same.
            await volume.TransferAsync(
                "discard a template",
                (VolumeSession session, StorageCall<bool> _) => session.Mount.TryUnlink(file.File.Name), CancellationToken.None);
        }
        catch (RefusedException)
        {
            // Recovery sweeps it when the storage answers again.
        }
        finally
        {
            file.Dispose();
        }
    }
}
