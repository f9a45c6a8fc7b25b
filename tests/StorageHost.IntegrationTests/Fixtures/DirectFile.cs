using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Files that are read past the page cache, as QEMU reads them with <c>cache=none</c>; .NET has no option for it.</summary>
internal static unsafe partial class DirectFile
{
    private const int ReadDirectly = 0x4000 | 0x80000; // O_DIRECT | O_CLOEXEC on 64-bit x86
    private const int NoEntry = 2;
    private const int Invalid = 22;
    private const int Page = 4096;

    /// <summary>Opens a file; through the page cache where the file system has no direct I/O.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="IOException">Another failure, with errno as its HResult.</exception>
    public static SafeFileHandle Open(string path)
    {
        var file = Open(path, ReadDirectly);
        return file >= 0 ? new SafeFileHandle(file, ownsHandle: true) : Marshal.GetLastPInvokeError() switch
        {
            NoEntry => throw new FileNotFoundException(path),
            Invalid => File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete),
            var errno => throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(errno)}", errno),
        };
    }

    /// <summary>Memory that begins on a page, where direct I/O needs it.</summary>
    public static Memory<byte> Buffer(int size)
    {
        var array = GC.AllocateUninitializedArray<byte>(size + Page, pinned: true);
        return array.AsMemory((int)((Page - ((nuint)Unsafe.AsPointer(ref array[0]) % Page)) % Page), size);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
