using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files.Posix;

/// <summary>Opens files for direct I/O, where the file system knows it.</summary>
internal static class DirectFiles
{
    /// <summary>
    /// Makes a file that is written past the page cache, which is for the virtual machines, and faster so than through it; where the file
    /// system cannot, through it.
    /// </summary>
    public static SafeFileHandle CreateDirect(this DirectoryHandle directory, string name)
    {
        const int New = Syscalls.ReadWrite | Syscalls.Create;
        try
        {
            return directory.Open(name, New | Syscalls.Exclusive | Syscalls.Direct, 0x180 /* 0600 */);
        }
        catch (StorageException exception) when (exception.Errno == Errno.Invalid)
        {
            return directory.Open(name, New, 0x180);
        }
    }

    /// <summary>Opens such a file once more, to be gone on with; null only when it does not exist.</summary>
    public static SafeFileHandle? TryOpenDirect(this DirectoryHandle directory, string name)
    {
        try
        {
            return directory.TryOpen(name, Syscalls.ReadWrite | Syscalls.Direct);
        }
        catch (StorageException exception) when (exception.Errno == Errno.Invalid)
        {
            return directory.TryOpen(name, Syscalls.ReadWrite);
        }
    }
}
