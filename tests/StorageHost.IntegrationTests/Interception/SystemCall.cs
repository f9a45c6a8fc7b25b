using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace StorageHost.IntegrationTests.Interception;

/// <summary>A system call on the storage directory, or on something in it, that is about to be made.</summary>
/// <param name="Name">The call, as the kernel names it.</param>
/// <param name="File">What it is about, relative to the storage directory; <c>.</c> is the directory itself.</param>
/// <param name="Target">The second name of a rename or a link; else empty.</param>
/// <param name="Changes">Whether it can change what is on the storage, or who holds which lock.</param>
/// <param name="Inode">The inode of the open file that it is about; 0 when it is about a name.</param>
/// <param name="IsOfProgram">Whether a program makes it that the daemon has started, and not the daemon.</param>
internal sealed record SystemCall(string Name, string File, string Target, bool Changes, ulong Inode, bool IsOfProgram)
{
    private const int Create = 0x40; // O_CREAT
    private const long CloneFile = 0x40049409; // FICLONE
    private const long SetLock = 37; // F_OFD_SETLK
    private const int LongestPath = 4096;

    /// <summary>How a call says what it is about.</summary>
    private enum Shape
    {
        /// <summary>An open file.</summary>
        File,

        /// <summary>A path.</summary>
        Path,

        /// <summary>Two paths.</summary>
        TwoPaths,

        /// <summary>An open directory and a path from there.</summary>
        At,

        /// <summary>The same twice.</summary>
        TwoAt,
    }

    // The numbers of 64-bit x86. What is not here is not about files, or not made by the daemon or qemu-img.
    private static readonly FrozenDictionary<long, (string Name, Shape Shape, bool Changes)> Known = new Dictionary<long, (string, Shape, bool)>
    {
        [0] = ("read", Shape.File, false), [1] = ("write", Shape.File, true), [2] = ("open", Shape.Path, false), [4] = ("stat", Shape.Path, false),
        [5] = ("fstat", Shape.File, false), [6] = ("lstat", Shape.Path, false), [8] = ("lseek", Shape.File, false), [16] = ("ioctl", Shape.File, false),
        [17] = ("pread64", Shape.File, false), [18] = ("pwrite64", Shape.File, true), [72] = ("fcntl", Shape.File, false), [74] = ("fsync", Shape.File, true),
        [75] = ("fdatasync", Shape.File, true), [77] = ("ftruncate", Shape.File, true), [82] = ("rename", Shape.TwoPaths, true), [83] = ("mkdir", Shape.Path, true),
        [86] = ("link", Shape.TwoPaths, true), [87] = ("unlink", Shape.Path, true), [91] = ("fchmod", Shape.File, true), [93] = ("fchown", Shape.File, true),
        [138] = ("fstatfs", Shape.File, false), [190] = ("fsetxattr", Shape.File, true), [193] = ("fgetxattr", Shape.File, false),
        [199] = ("fremovexattr", Shape.File, true), [217] = ("getdents64", Shape.File, false), [221] = ("fadvise64", Shape.File, false), [257] = ("openat", Shape.At, false), [258] = ("mkdirat", Shape.At, true),
        [262] = ("newfstatat", Shape.At, false), [263] = ("unlinkat", Shape.At, true), [264] = ("renameat", Shape.TwoAt, true), [265] = ("linkat", Shape.TwoAt, true),
        [280] = ("utimensat", Shape.At, true), [285] = ("fallocate", Shape.File, true), [296] = ("pwritev", Shape.File, true), [316] = ("renameat2", Shape.TwoAt, true),
        [332] = ("statx", Shape.At, false),
    }.ToFrozenDictionary();

    /// <summary>Reads the call that a thread is about to make; null when it is not about this directory.</summary>
    public static unsafe SystemCall? Of(in Ptrace.Entry entry, int thread, int daemon, string directory)
    {
        if (!Known.TryGetValue(entry.Number, out var call))
        {
            return null;
        }

        var (first, second, third, fourth) = (entry.Arguments[0], entry.Arguments[1], entry.Arguments[2], entry.Arguments[3]);
        var path = call.Shape switch
        {
            Shape.File => PathOf(thread, first),
            Shape.Path or Shape.TwoPaths => Text(thread, first),
            _ => PathAt(thread, first, second),
        };
        if (Below(directory, path) is not { } file)
        {
            return null;
        }

        var target = call.Shape switch { Shape.TwoPaths => Text(thread, second), Shape.TwoAt => PathAt(thread, third, fourth), _ => "" };
        var changes = call.Changes || call.Name switch
        {
            "open" => (second & Create) != 0,
            "openat" => (third & Create) != 0,
            "ioctl" => second == CloneFile,
            "fcntl" => second == SetLock,
            _ => false,
        };
        return new SystemCall(call.Name, file, Below(directory, target) ?? "", changes, call.Shape == Shape.File ? InodeOf(thread, first) : 0, !IsOf(daemon, thread));
    }

    /// <summary>The call as one line of text.</summary>
    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"{Name}\t{File}\t{Target}\t{Changes}\t{Inode}\t{IsOfProgram}");

    public static SystemCall Parse(string line) => line.Split('\t') is [var name, var file, var target, var changes, var inode, var isOfProgram]
        ? new SystemCall(name, file, target, bool.Parse(changes), ulong.Parse(inode, CultureInfo.InvariantCulture), bool.Parse(isOfProgram))
        : throw new FormatException(line);

    public override string ToString() => Target.Length == 0 ? $"{Name} {File}" : $"{Name} {File} {Target}";

    private static bool IsOf(int process, int thread) => Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task/{thread}"));

    private static string? Below(string directory, string path) =>
        path == directory ? "." : path.StartsWith($"{directory}/", StringComparison.Ordinal) ? path[(directory.Length + 1)..] : null;

    // An empty name means the open file itself.
    private static string PathAt(int thread, long directory, long address) => address == 0 ? PathOf(thread, directory)
        : Text(thread, address) is var name && name.StartsWith('/') ? name
        : name is "" or "." ? PathOf(thread, directory)
        : $"{PathOf(thread, directory)}/{name}";

    private static string PathOf(int thread, long file) =>
        (new FileInfo(OpenFile(thread, file)).LinkTarget ?? "").Replace(" (deleted)", "", StringComparison.Ordinal);

    private static string OpenFile(int thread, long file) => string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}/fd/{(int)file}");

    private static ulong InodeOf(int thread, long file) =>
        ulong.Parse(
            System.IO.File.ReadLines(OpenFile(thread, file).Replace("/fd/", "/fdinfo/", StringComparison.Ordinal)).Single(line => line.StartsWith("ino:", StringComparison.Ordinal))[4..],
            CultureInfo.InvariantCulture);

    private static string Text(int thread, long address)
    {
        using var memory = System.IO.File.OpenHandle(string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}/mem"), share: FileShare.ReadWrite);
        Span<byte> buffer = stackalloc byte[LongestPath];
        var text = buffer[..RandomAccess.Read(memory, buffer, address)];
        return Encoding.UTF8.GetString(text[..text.IndexOf((byte)0)]);
    }
}
