using System.Runtime.InteropServices;

namespace StorageHost.Cli.Output;

/// <summary>
/// Writes to standard output with write(2). The console's stream hides that its reader has gone, and a file stream writes at an offset of
/// its own, over what others have written to the same file.
/// </summary>
internal static partial class StandardOutput
{
    private const int Descriptor = 1;
    private const int Interrupted = 4;
    private const int BrokenPipe = 32;

    /// <summary>Writes all of it.</summary>
    /// <exception cref="ClientException">The reader has gone, or it cannot be written.</exception>
    public static void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var written = WriteTo(Descriptor, ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
            }
            else if (Marshal.GetLastPInvokeError() is not Interrupted and var error)
            {
                throw error == BrokenPipe
                    ? new ClientException(ClientExit.ClosedPipe, "")
                    : new ClientException(
                        ClientExit.Local, $"standard output cannot be written: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteTo(int descriptor, ref byte bytes, nuint length);
}
