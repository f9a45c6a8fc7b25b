using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Processes;

/// <summary>
/// Files in memory for programs to write: they lie in no directory, and are gone when they are closed or this process ends.
/// </summary>
internal static partial class MemoryFile
{
    private const uint CloseOnExec = 1; // MFD_CLOEXEC

    /// <summary>Makes an empty one (memfd_create(2)).</summary>
    /// <param name="name">What /proc calls it.</param>
    /// <exception cref="IOException">There are no descriptors, or there is no memory left.</exception>
    public static SafeFileHandle Create(string name) => Create(name, CloseOnExec) is >= 0 and var file
        ? new SafeFileHandle(file, ownsHandle: true)
        : throw new IOException($"memfd_create: {Marshal.GetLastPInvokeErrorMessage()}", new Win32Exception());

    /// <summary>The path under which programs of the same user can open it, while it is open here.</summary>
    public static string PathOf(SafeFileHandle file) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{file.DangerousGetHandle()}");

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Create(string name, uint flags);
}
