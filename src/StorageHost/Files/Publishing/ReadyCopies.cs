using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Publishing;

/// <summary>The ready copies on the volume.</summary>
internal sealed class ReadyCopies(FileNames names, CopyNumbers numbers)
{
    /// <summary>Gives a copy that never had a disk's name to its pool, under a number that was never used.</summary>
    /// <remarks>
    /// By a rename, which the server decides and which leaves no moment with two names. It would replace what has the new name, so a number
    /// that is seen to be taken is passed over; of two daemons that draw the same number at once, one loses a ready copy and nobody a disk.
    /// </remarks>
    public Copy Add(VolumeSession session, PrivateFile file, ImageName image)
    {
        var (mount, handle) = (session.Mount, session.Mount.Opened(file));
        foreach (var number in numbers())
        {
            var name = names.Copy(image, number).Text;
            if (!mount.TryStat(name, out _))
            {
                return mount.TryRename(file.Name, name)
                    ? Added(mount, handle, image, number, name)
                    : throw new StorageException("rename", file.Name, Errno.NoEntry);
            }
        }

        mount.TryUnlink(file.Name);
        throw new RefusedException(Refusal.StorageUnavailable, $"no free number was drawn for a copy of {image}");
    }

    private static Copy Added(DirectoryHandle mount, SafeFileHandle handle, ImageName image, int number, string name)
    {
        try
        {
            DirectoryHandle.Sync(handle, name);
            return new Copy(image, number, DirectoryHandle.Stat(handle, name).Inode, CopyRecord.Read(handle, name));
        }
        catch (StorageException)
        {
            // What could not be made durable is thrown away: a second fsync would say yes to data that the first one has lost.
            mount.TryUnlink(name);
            throw;
        }
    }
}
