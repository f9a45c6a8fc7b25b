using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files;

/// <summary>A piece of an image.</summary>
/// <param name="Offset">Where it begins: on a block of the digest.</param>
/// <param name="Data">What it holds, zeros included.</param>
internal readonly record struct DataBlock(long Offset, ReadOnlyMemory<byte> Data);

/// <summary>Reads what an image holds, from front to back and past its holes, from the storage and without keeping it in memory.</summary>
internal sealed class SparseReader(SafeFileHandle file, string name, long length)
{
    private bool mayBeHole = true;

    /// <summary>How far it has read, holes included.</summary>
    public long Position { get; private set; }

    /// <summary>Reads on by at most one buffer (of whole blocks of the digest), and adds what it read to a digest; null at the end.</summary>
    public DataBlock? ReadNext(Memory<byte> buffer, ContentDigest digest)
    {
        if (Position < length && mayBeHole)
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
        var block = new DataBlock(offset, data);
        digest.Add(block);

        // Read once and not again soon: the page cache is for the virtual machines.
        _ = Syscalls.Advise(file, offset, read, Syscalls.AdviseDontNeed);
        return block;
    }

    /// <summary>The block at or before the next data.</summary>
    private long FindData()
    {
        var data = Syscalls.Seek(file, Position, Syscalls.SeekData);
        return data >= 0 ? Math.Max(Position, data - (data % ContentDigest.BlockSize))
            : Marshal.GetLastPInvokeError() switch
            {
                Errno.NoSuchDevice => length,
                Errno.Invalid => Position,
                _ => throw Mount.Failed("lseek", name),
            };
    }
}
