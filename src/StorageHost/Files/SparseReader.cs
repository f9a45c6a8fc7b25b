using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files;

/// <summary>Reads what an image holds and passes over what it does not: holes are found by the file system, zeros by looking.</summary>
internal sealed class SparseReader(SafeFileHandle file, string name, long length)
{
    /// <summary>Called with a run of data that is not all zeros; it starts on a block boundary.</summary>
    public delegate void DataHandler(long offset, ReadOnlySpan<byte> data);

    /// <summary>How far it has read, holes included.</summary>
    public long Position { get; private set; }

    /// <summary>Reads on by at most one buffer of data; false at the end.</summary>
    public bool ReadNext(Span<byte> buffer, DataHandler handle)
    {
        if (Position >= length || (Position = FindData()) >= length)
        {
            Position = length;
            return false;
        }

        var wanted = buffer[..(int)Math.Min(buffer.Length, length - Position)];
        var read = wanted[..Blocks.Read(file, name, wanted, Position)];
        for (var start = 0; start < read.Length;)
        {
            var end = EndOfRun(read, start, out var isZero);
            if (!isZero)
            {
                handle(Position + start, read[start..end]);
            }

            start = end;
        }

        // A template that shrank while it was read: its fingerprint has changed, which the engine sees at the end.
        Position = read.Length == wanted.Length ? Position + read.Length : length;
        return true;
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

    private static int EndOfRun(ReadOnlySpan<byte> data, int start, out bool isZero)
    {
        isZero = IsZero(data, start);
        var end = start;
        do
        {
            end = Math.Min(end + ContentDigest.BlockSize, data.Length);
        }
        while (end < data.Length && IsZero(data, end) == isZero);
        return end;
    }

    private static bool IsZero(ReadOnlySpan<byte> data, int start) =>
        !data.Slice(start, Math.Min(ContentDigest.BlockSize, data.Length - start)).ContainsAnyExcept((byte)0);
}
