using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files.Posix;

/// <summary>
/// Goes through the names in a directory, without <c>.</c> and <c>..</c>, in no order: where it stands outlasts a storage call, so that
/// a long listing can be read in slices. Names are bytes, and looking at one allocates nothing.
/// </summary>
/// <param name="directory">The directory, opened for this alone.</param>
/// <param name="path">Its name, for faults.</param>
internal sealed unsafe class DirectoryCursor(SafeFileHandle directory, string path) : IDisposable
{
    // struct linux_dirent64: inode, offset, 16-bit record length at 16, type at 18, zero-ended name at 19.
    private const int LengthOffset = 16;
    private const int TypeOffset = 18;
    private const int NameOffset = 19;
    private const byte UnknownType = 0;
    private const byte RegularType = 8;

    private readonly byte[] buffer = new byte[64 * 1024];
    private int next;
    private int end;
    private int name;

    /// <summary>The name that it stands at.</summary>
    public ReadOnlySpan<byte> Name => buffer.AsSpan(name, buffer.AsSpan(name).IndexOf((byte)0));

    /// <summary>Whether it may be a regular file: not every file system says in the directory what a name is.</summary>
    public bool MayBeRegular => buffer[name - NameOffset + TypeOffset] is RegularType or UnknownType;

    /// <summary>Goes to the next name; false at the end.</summary>
    public bool MoveNext()
    {
        do
        {
            if (next >= end && !Fill())
            {
                return false;
            }

            name = next + NameOffset;
            next += BitConverter.ToUInt16(buffer, next + LengthOffset);
        }
        while (Name is [(byte)'.'] or [(byte)'.', (byte)'.']);

        return true;
    }

    /// <summary>Looks at the file that it stands at without following a link and without trying again.</summary>
    /// <returns>What is in errno; 0 when the look succeeded.</returns>
    public int Stat(out FileStat stat)
    {
        fixed (byte* start = &buffer[name])
        {
            var failed = Syscalls.StatAt(directory, start, Syscalls.AtSymlinkNoFollow, Syscalls.BasicStats, out var result) < 0;
            stat = failed ? default : FileStat.From(result);
            return failed ? Marshal.GetLastPInvokeError() : 0;
        }
    }

    public void Dispose() => directory.Dispose();

    private bool Fill()
    {
        fixed (byte* start = buffer)
        {
            next = 0;
            end = (int)Syscalls.ReadDirectory(directory, start, buffer.Length);
            return end >= 0 ? end > 0 : throw DirectoryHandle.Failed("getdents64", path);
        }
    }
}
