using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>A directory, opened to be listed once, and where it lies.</summary>
internal sealed record OpenedDirectory(DirectoryHandle Mount, MountPoint Point) : IDisposable
{
    /// <summary>Opens a directory by its full path. Runs on storage threads only.</summary>
    /// <exception cref="RefusedException">It cannot be opened: what the poll says of it, once, is enough for the log.</exception>
    public static OpenedDirectory Open(string path)
    {
        var mount = OpenHandle(path);
        if (MountTable.Of(mount.Directory) is { } point)
        {
            return new OpenedDirectory(mount, point);
        }

        mount.Dispose();
        throw new RefusedException(Refusal.StorageUnavailable, "the directory is not in the mount table");
    }

    public void Dispose() => Mount.Dispose();

    private static DirectoryHandle OpenHandle(string path)
    {
        try
        {
            return new DirectoryHandle(DirectoryHandle.OpenDirectory(path));
        }
        catch (StorageException exception)
        {
            throw StorageFaults.Refuse(exception);
        }
    }
}
