using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;

namespace StorageHost.Tests.Files;

/// <summary>What other programs do to files, and the daemon does not.</summary>
internal static partial class NativeCalls
{
    public static void MakeFifo(string path) => Assert(MakeFifo(path, 0x180));

    /// <summary>Holds the locks of a QEMU that has the image open for reading and writing.</summary>
    public static SafeFileHandle OpenAsQemu(string path)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        foreach (var start in new long[] { 100, 101, 103, 201 })
        {
            LockShared(file, start);
        }

        return file;
    }

    public static void LockShared(SafeFileHandle file, long start)
    {
        var wanted = new FileLock { Type = Syscalls.ReadLock, Start = start, Length = 1 };
        Assert(Syscalls.Lock(file, Syscalls.OfdSetLock, ref wanted));
    }

    public static unsafe void SetCopyRecord(SafeFileHandle file, ReadOnlySpan<byte> value)
    {
        fixed (byte* start = value)
        {
            Assert(Syscalls.SetAttribute(file, "user.storagehost.copy", start, value.Length, 0));
        }
    }

    private static void Assert(int result) => Xunit.Assert.True(result == 0, $"errno {Marshal.GetLastPInvokeError()}");

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);
}
