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
        var length = Syscalls.GetAttribute(file, attribute, value, MaxLength);
        return length >= 0 ? Encoding.UTF8.GetString(value, (int)length)
            : Marshal.GetLastPInvokeError() is Errno.NoData or Errno.NotSupported or Errno.Range ? null
            : throw DirectoryHandle.Failed("fgetxattr", name);
    }
}
