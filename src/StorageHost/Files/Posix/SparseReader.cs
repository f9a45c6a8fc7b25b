using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files.Posix;

/// <summary>A piece of an image.</summary>
/// <param name="Offset">Where it begins: on a block of the digest.</param>
/// <param name="Data">What it holds, zeros included.</param>
internal readonly record struct DataBlock(long Offset, ReadOnlyMemory<byte> Data);

/// <summary>
/// Reads what an image holds, from front to back and past its holes, from the storage and without keeping it in memory. Where the file
/// system cannot be asked for holes, as on a Gluster volume with shards, they are found in the data: a page of zeros is one.
/// </summary>
/// <param name="file">The image, open.</param>
/// <param name="name">Its name, for failures.</param>
/// <param name="length">Its length.</param>
/// <param name="seek">What tells where data follows; lseek(2) when null.</param>
internal sealed class SparseReader(SafeFileHandle file, string name, long length, SparseReader.SeekData? seek = null)
{
    /// <summary>How many buffers of zeros one call reads at most: it must end before its deadline, and show how far it got.</summary>
    internal const int MostZeros = 16;

    private readonly SeekData seek = seek ?? SeekInFile;
    private bool mayBeHole = true;
    private bool knowsHoles = true;

    /// <summary>
    /// Gives the offset of the next data at or after this one; negative, with errno set, when there is none or nobody can tell.
    /// </summary>
    public delegate long SeekData(SafeFileHandle file, long offset);

    /// <summary>How far it has read, holes included.</summary>
    public long Position { get; private set; }

    /// <summary>Reads on by at most one buffer of data (whole blocks of the digest), and adds it to a digest; null at the end.</summary>
    public DataBlock? ReadNext(Memory<byte> buffer, ContentDigest digest)
    {
        for (var read = 1; ; read++)
        {
            if (ReadBlock(buffer) is not { } block)
            {
                return null;
            }

            if (knowsHoles || read == MostZeros || block.Data.Span.ContainsAnyExcept((byte)0))
            {
                digest.Add(block);
                return block;
            }
        }
    }

    private static long SeekInFile(SafeFileHandle file, long offset) => Syscalls.Seek(file, offset, Syscalls.SeekData);

    private DataBlock? ReadBlock(Memory<byte> buffer)
    {
        if (Position < length && mayBeHole && knowsHoles)
        {
            Position = FindData();
        }

        if (Position >= length)
        {
            Position = length;
            return null;
        }

        // All of the buffer, as direct I/O takes whole blocks only; what a template has grown by meanwhile is cut off.
        var offset = Position;
        var read = Blocks.Read(file, name, buffer.Span, offset);
        var data = buffer[..(int)Math.Min(read, length - offset)];

        // Asking costs a round trip on Gluster, so only where there may be a hole.
        mayBeHole = Blocks.EndsInZeros(data.Span);

        // A template that shrank while it was read: its fingerprint has changed, which the engine sees at the end.
        Position = read == buffer.Length ? offset + data.Length : length;

        // Read once and not again soon: the page cache is for the virtual machines.
        _ = Syscalls.Advise(file, offset, read, Syscalls.AdviseDontNeed);
        return new DataBlock(offset, data);
    }

    /// <summary>
    /// The block at or before the next data. A file system that cannot tell is not asked again, and the reader stays where it is.
    /// </summary>
    private long FindData()
    {
        var data = seek(file, Position);
        if (data >= 0)
        {
            return Math.Max(Position, data - (data % ContentDigest.BlockSize));
        }

        switch (Marshal.GetLastPInvokeError())
        {
            case Errno.NoSuchDevice:
                return length;
            case Errno.NotSupported or Errno.Invalid or Errno.NotTty or Errno.NoSystemCall:
                knowsHoles = false;
                return Position;
            default:
                throw DirectoryHandle.Failed("lseek", name);
        }
    }
}
