using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files.Posix;

/// <summary>Extended attributes that hold a short text.</summary>
internal static unsafe class ExtendedAttributes
{
    private const int MaxLength = 1024;

    /// <summary>Sets an attribute.</summary>
    public static void Set(SafeFileHandle file, string name, string attribute, string text)
    {
        var value = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = value)
        {
            if (Syscalls.SetAttribute(file, attribute, start, value.Length, 0) < 0)
            {
                throw DirectoryHandle.Failed("fsetxattr", name);
            }
        }
    }

    /// <summary>Takes an attribute away, if there is one.</summary>
    public static void Remove(SafeFileHandle file, string name, string attribute)
    {
        if (Syscalls.RemoveAttribute(file, attribute) < 0 && Marshal.GetLastPInvokeError() is not (Errno.NoData or Errno.NotSupported))
        {
            throw DirectoryHandle.Failed("fremovexattr", name);
        }
    }

    /// <summary>Reads an attribute; null when there is none, or none that we have written.</summary>
    public static string? Get(SafeFileHandle file, string name, string attribute)
    {
        var value = stackalloc byte[MaxLength];
        return Text(value, Syscalls.GetAttribute(file, attribute, value, MaxLength), "fgetxattr", name);
    }

    /// <summary>The same of a file that is not open, of which only the name is known.</summary>
    /// <param name="directory">The directory, open.</param>
    /// <param name="name">The name there.</param>
    /// <param name="attribute">The attribute.</param>
    /// <param name="isGone">Whether there is no such file.</param>
    public static string? TryGet(SafeFileHandle directory, string name, string attribute, out bool isGone)
    {
        var (text, gone) = TransientRetry.Execute(
            static state => (TryGetOnce(state.directory, state.name, state.attribute, out var gone), gone), (directory, name, attribute));
        isGone = gone;
        return text;
    }

    private static string? TryGetOnce(SafeFileHandle directory, string name, string attribute, out bool isGone)
    {
        // No call takes an attribute of a name relative to a directory. The kernel leads this path to the open one, mounted or not.
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory.DangerousGetHandle()}/{name}");
        var value = stackalloc byte[MaxLength];
        var length = Syscalls.GetAttribute(path, attribute, value, MaxLength);
        isGone = length < 0 && Marshal.GetLastPInvokeError() == Errno.NoEntry;
        return isGone ? null : Text(value, length, "lgetxattr", name);
    }

    private static string? Text(byte* value, nint length, string call, string name) =>
        length >= 0 ? Encoding.UTF8.GetString(value, (int)length)
            : Marshal.GetLastPInvokeError() is Errno.NoData or Errno.NotSupported or Errno.Range ? null
            : throw DirectoryHandle.Failed(call, name);
}
