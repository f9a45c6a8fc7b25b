using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images.Ports;

namespace StorageHost.Files.Posix;

/// <summary>
/// The system calls that storage needs and .NET hides, on 64-bit Linux with glibc. Each sets errno; <see cref="DirectoryHandle"/> looks at
/// it. Names are relative to a directory that is held open, so that an unmounted or swapped mount point is never written to by mistake.
/// </summary>
internal static unsafe partial class Syscalls
{
    public const int AtFdCwd = -100;
    public const int AtRemoveDir = 0x200;

    /// <summary>AT_EACCESS: with the rights that other calls have.</summary>
    public const int AtEffective = 0x200;

    /// <summary>W_OK and X_OK: what giving a name in a directory takes.</summary>
    public const int MayWrite = 3;
    public const int AtSymlinkNoFollow = 0x100;
    public const int AtEmptyPath = 0x1000;

    /// <summary>AT_STATX_FORCE_SYNC: asks the server, whatever the kernel remembers.</summary>
    public const int AtForceSync = 0x2000;

    /// <summary>AT_STATX_DONT_SYNC: what the kernel remembers will do.</summary>
    public const int AtNoSync = 0x4000;

    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlocking = 0x800;
    public const int Directory = 0x10000;
    public const int NoFollow = 0x20000;
    public const int CloseOnExec = 0x80000;

    public const int SeekData = 3;
    public const int SeekHole = 4;

    public const int OfdGetLock = 36;
    public const int OfdSetLock = 37;
    public const short ReadLock = 0;
    public const short WriteLock = 1;
    public const short Unlocked = 2;

    public const int AdviseDontNeed = 4;

    /// <summary>F_GETFL.</summary>
    public const int GetFlags = 3;

    /// <summary>O_DIRECT on x86-64.</summary>
    public const int Direct = 0x4000;

    /// <summary>_IOW(0x94, 9, int) of linux/fs.h.</summary>
    public const ulong CloneFile = 0x40049409;

    /// <summary>STATX_BASIC_STATS: everything that stat(2) gives.</summary>
    public const uint BasicStats = 0x7ff;

    private const string LibC = "libc";

    [LibraryImport(LibC, EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenAt(int directory, string name, int flags, uint mode);

    [LibraryImport(LibC, EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenAt(SafeFileHandle directory, string name, int flags, uint mode);

    [LibraryImport(LibC, EntryPoint = "faccessat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int AccessAt(SafeFileHandle directory, string name, int mode, int flags);

    [LibraryImport(LibC, EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeDirectoryAt(SafeFileHandle directory, string name, uint mode);

    [LibraryImport(LibC, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int StatAt(SafeFileHandle directory, string name, int flags, uint mask, out StatX result);

    [LibraryImport(LibC, EntryPoint = "statx", SetLastError = true)]
    public static partial int StatAt(SafeFileHandle directory, byte* name, int flags, uint mask, out StatX result);

    [LibraryImport(LibC, EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RenameAt(SafeFileHandle fromDirectory, string from, SafeFileHandle toDirectory, string to);

    [LibraryImport(LibC, EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LinkAt(SafeFileHandle fromDirectory, string from, SafeFileHandle toDirectory, string to, int flags);

    [LibraryImport(LibC, EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int UnlinkAt(SafeFileHandle directory, string name, int flags);

    [LibraryImport(LibC, EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(SafeFileHandle file);

    [LibraryImport(LibC, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeFileHandle file, long length);

    [LibraryImport(LibC, EntryPoint = "pread", SetLastError = true)]
    public static partial nint Read(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport(LibC, EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport(LibC, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle file, long offset, int whence);

    [LibraryImport(LibC, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, ulong request, SafeFileHandle source);

    [LibraryImport(LibC, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Lock(SafeFileHandle file, int command, ref FileLock fileLock);

    [LibraryImport(LibC, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Flags(SafeFileHandle file, int command, int unused);

    [LibraryImport(LibC, EntryPoint = "fgetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint GetAttribute(SafeFileHandle file, string name, byte* value, nint size);

    [LibraryImport(LibC, EntryPoint = "lgetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint GetAttribute(string path, string name, byte* value, nint size);

    [LibraryImport(LibC, EntryPoint = "fsetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetAttribute(SafeFileHandle file, string name, byte* value, nint size, int flags);

    [LibraryImport(LibC, EntryPoint = "fremovexattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RemoveAttribute(SafeFileHandle file, string name);

    [LibraryImport(LibC, EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(SafeFileHandle file, uint mode);

    [LibraryImport(LibC, EntryPoint = "fchown", SetLastError = true)]
    public static partial int ChangeOwner(SafeFileHandle file, uint owner, uint group);

    [LibraryImport(LibC, EntryPoint = "futimens", SetLastError = true)]
    public static partial int SetTimes(SafeFileHandle file, TimeSpec* accessedAndModified);

    [LibraryImport(LibC, EntryPoint = "posix_fadvise")]
    public static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport(LibC, EntryPoint = "fstatvfs", SetLastError = true)]
    public static partial int StatVolume(SafeFileHandle file, out VolumeStat result);

    [LibraryImport(LibC, EntryPoint = "getdents64", SetLastError = true)]
    public static partial nint ReadDirectory(SafeFileHandle directory, byte* buffer, nint count);
}

/// <summary>struct statx of linux/stat.h; the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct StatX
{
    [FieldOffset(0x10)] public uint Links;
    [FieldOffset(0x1c)] public ushort Mode;
    [FieldOffset(0x20)] public ulong Inode;
    [FieldOffset(0x28)] public ulong Size;
    [FieldOffset(0x30)] public ulong Blocks;
    [FieldOffset(0x70)] public long ModifiedSeconds;
    [FieldOffset(0x78)] public uint ModifiedNanoseconds;
    [FieldOffset(0x88)] public uint DeviceMajor;
    [FieldOffset(0x8c)] public uint DeviceMinor;
}

/// <summary>struct flock with 64-bit offsets; the process id must be 0 for open-file-description locks.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FileLock
{
    public short Type;
    public short Whence;
    public long Start;
    public long Length;
    public int ProcessId;
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    public long Seconds;
    public long Nanoseconds;
}

/// <summary>struct statvfs of 64-bit glibc.</summary>
[StructLayout(LayoutKind.Explicit, Size = 112)]
internal struct VolumeStat
{
    [FieldOffset(8)] public ulong FragmentSize;
    [FieldOffset(16)] public ulong Blocks;
    [FieldOffset(32)] public ulong BlocksAvailable;
    [FieldOffset(40)] public ulong Inodes;
    [FieldOffset(56)] public ulong InodesAvailable;

    /// <summary>Its size and what is free for this daemon, in bytes.</summary>
    public readonly VolumeSpace Space => new((long)(Blocks * FragmentSize), (long)(BlocksAvailable * FragmentSize));
}
