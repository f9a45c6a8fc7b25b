using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files.Posix;

/// <summary>Reads and writes pieces of files, whole.</summary>
internal static unsafe class Blocks
{
    /// <summary>What direct I/O counts in, and the least that can be a hole, in bytes.</summary>
    public const int PageSize = 4096;

    /// <summary>Reads until the buffer is full or the file ends; returns how many bytes there were.</summary>
    public static int Read(SafeFileHandle file, string name, Span<byte> buffer, long offset)
    {
        var done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                var read = Syscalls.Read(file, start + done, buffer.Length - done, offset + done);
                if (read == 0)
                {
                    break;
                }

                done += read > 0 ? (int)read : Retry("pread", name);
            }
        }

        return done;
    }

    /// <summary>Writes all of the buffer.</summary>
    public static void Write(SafeFileHandle file, string name, ReadOnlySpan<byte> buffer, long offset)
    {
        var done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                var written = Syscalls.Write(file, start + done, buffer.Length - done, offset + done);
                done += written >= 0 ? (int)written : Retry("pwrite", name);
            }
        }
    }

    /// <summary>
    /// Writes the pages of the data that are not all zeros, and leaves holes for the others. The memory behind the data, up to a whole
    /// page, is written too: direct I/O takes whole pages only, and the caller cuts the file to its length.
    /// </summary>
    /// <returns>How many bytes it wrote.</returns>
    public static long WriteSparse(SafeFileHandle file, string name, DataBlock block)
    {
        var written = 0L;
        var data = block.Data.Span;
        for (var (start, end) = (0, 0); start < data.Length; start = end)
        {
            end = EndOfRun(data, start, out var isZero);
            if (!isZero)
            {
                var whole = MemoryMarshal.CreateReadOnlySpan(in data[start], (end - start + PageSize - 1) / PageSize * PageSize);
                Write(file, name, whole, block.Offset + start);
                written += whole.Length;
            }
        }

        return written;
    }

    /// <summary>Whether the last page, or what there is of it, is all zeros: a hole may follow.</summary>
    public static bool EndsInZeros(ReadOnlySpan<byte> data) => data.IsEmpty || IsZero(data, (data.Length - 1) / PageSize * PageSize);

    private static int EndOfRun(ReadOnlySpan<byte> data, int start, out bool isZero)
    {
        isZero = IsZero(data, start);
        var end = start;
        do
        {
            end = Math.Min(end + PageSize, data.Length);
        }
        while (end < data.Length && IsZero(data, end) == isZero);
        return end;
    }

    private static bool IsZero(ReadOnlySpan<byte> data, int start) =>
        !data.Slice(start, Math.Min(PageSize, data.Length - start)).ContainsAnyExcept((byte)0);

    private static int Retry(string call, string name) =>
        Marshal.GetLastPInvokeError() == Errno.Interrupted ? 0 : throw DirectoryHandle.Failed(call, name);
}
