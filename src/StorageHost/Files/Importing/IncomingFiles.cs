using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;

namespace StorageHost.Files.Importing;

/// <summary>Makes the private files that templates come to be in, and removes those that nothing becomes of.</summary>
internal static class IncomingFiles
{
    /// <summary>Makes one.</summary>
    public static Task<IncomingFile> CreateAsync(VolumeSessions volume, ImageName image, CancellationToken cancellationToken) =>
        volume.TransferAsync(
            "create a template", (VolumeSession session, StorageCall<IncomingFile> _) => IncomingFile.Create(session, image),
            cancellationToken);

    /// <summary>Does something with a new one, which goes when that fails.</summary>
    public static async Task<T> WithAsync<T>(
        VolumeSessions volume, ImageName image, Func<IncomingFile, Task<T>> work, CancellationToken cancellationToken)
    {
        var file = await CreateAsync(volume, image, cancellationToken);
        try
        {
            var made = await work(file);
            file.Dispose();
            return made;
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
