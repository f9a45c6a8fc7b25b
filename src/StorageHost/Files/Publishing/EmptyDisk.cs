using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Publishing;

/// <summary>Brings an empty disk, which a program has made elsewhere, into the volume.</summary>
/// <remarks>
/// No program works on the volume itself. It would lock its file there, and Gluster's client (10.3, its issue 4371) hangs for good when
/// programs that wait for locks are killed while the bricks are away. Nor can a program be killed that waits for a mount.
/// </remarks>
internal static class EmptyDisk
{
    private const int PieceBytes = 64 * 1024;

    /// <summary>Writes it under a private name, with holes where it holds zeros. It is not durable yet.</summary>
    public static PrivateFile Write(VolumeSession session, SafeFileHandle image)
    {
        var file = session.Private.NewFile(PrivateKind.Making);
        try
        {
            file.Handle = session.Mount.Open(file.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x180 /* 0600 */);
            Write(file.Handle, file.Name, image);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static void Write(SafeFileHandle file, string name, SafeFileHandle image)
    {
        var buffer = new byte[PieceBytes];
        var length = 0L;
        while (Blocks.Read(image, name, buffer, length) is > 0 and var read)
        {
            Blocks.WriteSparse(file, name, new DataBlock(length, buffer.AsMemory(0, read)));
            length += read;
        }

        if (Syscalls.Truncate(file, length) < 0)
        {
            throw DirectoryHandle.Failed("ftruncate", name);
        }
    }
}
