using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Growing;

/// <summary>Opens private files so that they can be written in pieces of any length.</summary>
internal static class GrowingFile
{
    /// <summary>O_ACCMODE, and O_DIRECT, which takes whole pages only.</summary>
    private const int Relevant = 3 | Syscalls.Direct;

    /// <summary>
    /// Opens a claim, for writing where that is allowed: whoever has to make it larger then needs no second call. A plain disk needs none.
    /// </summary>
    public static SafeFileHandle Opened(DirectoryHandle mount, PrivateFile file)
    {
        try
        {
            return file.Handle ??= mount.Open(file.Name, Syscalls.ReadWrite);
        }
        catch (StorageException failed) when (failed.Errno is Errno.Access or Errno.NotPermitted or Errno.ReadOnly)
        {
            return mount.Opened(file);
        }
    }

    /// <summary>The file's handle; the file is opened once more when the one that it has does not do.</summary>
    public static SafeFileHandle OpenedForWriting(DirectoryHandle mount, PrivateFile file)
    {
        if (file.Handle is { } open && (Syscalls.Flags(open, Syscalls.GetFlags, 0) & Relevant) == Syscalls.ReadWrite)
        {
            return open;
        }

        var before = file.Handle;
        file.Handle = mount.Open(file.Name, Syscalls.ReadWrite);
        before?.Dispose();
        return file.Handle;
    }
}
