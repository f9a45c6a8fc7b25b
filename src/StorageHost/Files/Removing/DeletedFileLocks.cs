using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;

namespace StorageHost.Files.Removing;

/// <summary>
/// Keeps QEMU out of files for a while after their deletion. A QEMU that opened one just before had no lock yet by which it could be
/// seen: it has to meet ours when it comes to locking, or it would run on a disk that nobody can find any more.
/// </summary>
internal sealed class DeletedFileLocks(VolumeSessions volume, TimeProvider time)
{
    /// <summary>
    /// A FUSE client of Gluster may believe in a name for one second (entry-timeout), and QEMU locks soon after it has opened.
    /// </summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>As many files are kept open; more are closed at once.</summary>
    private const int Limit = 1000;

    private int kept;

    /// <summary>Takes over deleted files, locked by <see cref="OfdLocks.TryKeepQemuOut"/>, and closes them later.</summary>
    public void Keep(IReadOnlyList<SafeFileHandle> files) => _ = KeepAsync(files);

    private async Task KeepAsync(IReadOnlyList<SafeFileHandle> files)
    {
        if (Interlocked.Add(ref kept, files.Count) <= Limit)
        {
            await Task.Delay(Grace, time);
        }

        Interlocked.Add(ref kept, -files.Count);
        foreach (var file in files)
        {
            volume.Release(file);
        }
    }
}
