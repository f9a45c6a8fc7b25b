using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files;

/// <summary>Reads and writes whole blocks.</summary>
internal static unsafe class Blocks
{
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

    private static int Retry(string call, string name) => Marshal.GetLastPInvokeError() == Errno.Interrupted ? 0 : throw Mount.Failed(call, name);
}
