using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images.Names;

namespace StorageHost.Files.Session;

/// <summary>
/// A file that exists to be locked. Whoever holds the lock may remove it, so a lock counts only while the name still leads to it.
/// </summary>
internal static class LockFile
{
    /// <summary>The folder of the pools' locks, relative to the storage directory.</summary>
    public const string PoolFolder = $"{PrivateDirectory.Root}/locks";

    /// <summary>The lock of an image's pool.</summary>
    public static string OfPool(ImageName image) => $"{PoolFolder}/{image}";

    /// <summary>The lock of whoever replaces a template.</summary>
    public static string OfTemplate(ImageName image) => $"{PoolFolder}/.template-{image}";

    /// <summary>Removes a lock file unless somebody has it.</summary>
    public static void TryRemove(DirectoryHandle mount, string name)
    {
        using var held = TryAcquire(mount, name);
        if (held is not null)
        {
            mount.TryUnlink(name);
        }
    }

    /// <summary>Makes the file when it is missing and locks it; null when somebody else has it. Closing the handle unlocks.</summary>
    public static SafeFileHandle? TryAcquire(DirectoryHandle mount, string name)
    {
        var file = mount.TryOpen(name, Syscalls.ReadWrite | Syscalls.Create, 0x180 /* 0600 */);
        if (file is null)
        {
            return null;
        }

        try
        {
            if (TryHold(mount, file, name))
            {
                return file;
            }
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoEntry or Errno.Stale)
        {
            // Gluster's word for: whoever held it has removed it by now.
        }
        catch
        {
            file.Dispose();
            throw;
        }

        file.Dispose();
        return null;
    }

    /// <summary>Locks an open lock file; false when somebody else has it, or removed it since it was opened.</summary>
    internal static bool TryHold(DirectoryHandle mount, SafeFileHandle file, string name) =>
        mount.Locks.TryLock(file, name) && mount.TryStat(name, out var stat) && stat.Inode == DirectoryHandle.Stat(file, name).Inode;
}
