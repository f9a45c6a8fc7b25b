using System.Collections.Frozen;
using System.Globalization;
using StorageHost.Images.Ports;

namespace StorageHost.Files.Posix;

/// <summary>The errno values of Linux that decide something here, with their names for the log and the client.</summary>
internal static class Errno
{
    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int NoSuchDevice = 6;
    public const int Again = 11;
    public const int NoMemory = 12;
    public const int Access = 13;
    public const int Busy = 16;
    public const int Exists = 17;
    public const int CrossDevice = 18;
    public const int NoDevice = 19;
    public const int NotDirectory = 20;
    public const int IsDirectory = 21;
    public const int Invalid = 22;
    public const int NoFilesOnMachine = 23;
    public const int NoFiles = 24;
    public const int NotTty = 25;
    public const int NoSpace = 28;
    public const int ReadOnly = 30;
    public const int TooManyNames = 31;
    public const int Range = 34;
    public const int NoSystemCall = 38;
    public const int NotEmpty = 39;
    public const int TooManyLinks = 40;
    public const int NoData = 61;
    public const int NotSupported = 95;
    public const int TimedOut = 110;
    public const int NotConnected = 107;
    public const int Stale = 116;
    public const int QuotaExceeded = 122;

    private static readonly FrozenDictionary<int, string> Names = new Dictionary<int, string>
    {
        [NotPermitted] = "EPERM", [NoEntry] = "ENOENT", [Interrupted] = "EINTR", [InputOutput] = "EIO", [NoSuchDevice] = "ENXIO",
        [9] = "EBADF", [Again] = "EAGAIN", [NoMemory] = "ENOMEM", [Access] = "EACCES", [Busy] = "EBUSY", [Exists] = "EEXIST",
        [CrossDevice] = "EXDEV", [NoDevice] = "ENODEV", [NotDirectory] = "ENOTDIR", [IsDirectory] = "EISDIR", [Invalid] = "EINVAL",
        [NotTty] = "ENOTTY", [NoFilesOnMachine] = "ENFILE", [NoFiles] = "EMFILE", [27] = "EFBIG", [NoSpace] = "ENOSPC",
        [ReadOnly] = "EROFS", [TooManyNames] = "EMLINK", [Range] = "ERANGE", [36] = "ENAMETOOLONG", [37] = "ENOLCK",
        [NoSystemCall] = "ENOSYS", [NotEmpty] = "ENOTEMPTY", [TooManyLinks] = "ELOOP", [NoData] = "ENODATA", [77] = "EBADFD",
        [NotSupported] = "EOPNOTSUPP", [103] = "ECONNABORTED", [NotConnected] = "ENOTCONN", [TimedOut] = "ETIMEDOUT", [112] = "EHOSTDOWN",
        [113] = "EHOSTUNREACH", [Stale] = "ESTALE", [QuotaExceeded] = "EDQUOT",
    }.ToFrozenDictionary();

    public static string Name(int errno) => Names.TryGetValue(errno, out var name) ? name : errno.ToString(CultureInfo.InvariantCulture);

    /// <summary>This machine could not even ask the storage: nothing was learnt of it.</summary>
    public static bool IsOwn(int errno) => errno is NoFiles or NoFilesOnMachine or NoMemory;

    /// <summary>
    /// Errors that pass by themselves: a healthy replica volume says ENOTCONN and ESTALE for a moment while nodes race (measured on Gluster
    /// 10.3), and a signal causes EINTR.
    /// </summary>
    public static bool IsTransient(int errno) => errno is NotConnected or Stale or Interrupted;
}

/// <summary>A system call on the storage failed: which one, on what, with which errno.</summary>
/// <param name="call">The system call.</param>
/// <param name="file">The name that it was about, relative to the storage directory.</param>
/// <param name="errno">What it left in errno.</param>
internal sealed class StorageException(string call, string file, int errno) : IOException($"{call} {file}: {Posix.Errno.Name(errno)}")
{
    /// <summary>What stands for a name where the directory itself is meant.</summary>
    public const string WholeDirectory = "the directory";

    public string Call { get; } = call;

    public string File { get; } = file;

    public int Errno { get; } = errno;

    /// <summary>Whether what the caller had asked for may have been done all the same.</summary>
    public bool LeavesOutcomeUnknown { get; set; }

    /// <summary>With ENOSPC: the inodes that the file system lacked; null when room was lacking, or nobody can tell.</summary>
    public InodeShortage? Inodes { get; set; }

    /// <summary>With ENOSPC: the room that there was; null when nobody can tell.</summary>
    public VolumeSpace? Space { get; set; }

    /// <summary>With that room: how many percent of the volume are the reserve.</summary>
    public int ReservePercent { get; set; }
}
