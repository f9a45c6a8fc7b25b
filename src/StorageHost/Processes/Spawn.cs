using System.Globalization;
using System.Runtime.InteropServices;

namespace StorageHost.Processes;

/// <summary>posix_spawn(3) of 64-bit glibc and what goes with it. Errors are returned as errno, 0 for none.</summary>
internal static unsafe partial class Spawn
{
    private const string LibC = "libc";
    private const uint Unshare = 1 << 1; // CLOSE_RANGE_UNSHARE
    private const int SetMask = 2; // SIG_SETMASK
    private const int WriteOnly = 1;
    private const int CloseOnExec = 0x80000; // O_CLOEXEC
    private const short Flags = 0x04 | 0x08 | 0x80; // POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK, POSIX_SPAWN_SETSID

    /// <summary>Signals 1 to 31, without those of faults: ILL, TRAP, ABRT, BUS, FPE, SEGV.</summary>
    private const ulong Ordinary = 0x7fff_ffff & ~0x4f8ul;

    /// <summary>In words of eight bytes, more than posix_spawnattr_t (336 bytes), sigset_t (128) and posix_spawn_file_actions_t (80) take.</summary>
    private const int StructWords = 64;

    /// <summary>
    /// Gives the calling thread a descriptor table of its own, with all that is open now. It handles no signals then: the runtime's handlers
    /// write to a pipe that may be opened later, so that its number is another file here. Faults and the runtime's own signals stay.
    /// </summary>
    public static int LeaveSharedTable()
    {
        var signals = stackalloc ulong[StructWords];
        signals[0] = Ordinary;

        // A range in which nothing can be open: what remains is unshare(CLONE_FILES), a call that many containers forbid.
        return SetSignalMask(SetMask, signals, null) is var error and not 0 ? error
            : CloseRange(uint.MaxValue, uint.MaxValue, Unshare) == 0 ? 0
            : Marshal.GetLastPInvokeError();
    }

    /// <summary>Starts a program in a session of its own, in /, with nothing to read, and no signal ignored or blocked. Returns after its exec.</summary>
    /// <param name="arguments">The program, looked up in PATH, and its arguments.</param>
    /// <param name="environment">Its whole environment.</param>
    /// <param name="output">The pipe that becomes its standard output, as a number in the table that the other threads share.</param>
    /// <param name="error">The same for its standard error.</param>
    /// <param name="processId">The new process, which nobody else waits for.</param>
    public static int Start(string[] arguments, string[] environment, int output, int error, out int processId)
    {
        processId = 0;
        var ownOutput = Reopen(output);
        if (ownOutput < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        var ownError = Reopen(error);
        var result = ownError < 0 ? Marshal.GetLastPInvokeError() : StartOn(ownOutput, ownError, arguments, environment, out processId);
        _ = Close(ownOutput);
        _ = ownError < 0 ? 0 : Close(ownError);
        return result;
    }

    /// <summary>The number, in this thread's table, of a new opening of a pipe in the table of the first thread.</summary>
    private static int Reopen(int descriptor) => Open(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"), WriteOnly | CloseOnExec);

    private static int StartOn(int output, int error, string[] arguments, string[] environment, out int processId)
    {
        var actions = stackalloc ulong[StructWords];
        var attributes = stackalloc ulong[StructWords];
        var signals = stackalloc ulong[StructWords];
        processId = 0;

        // These fail only for want of memory.
        var result = InitActions(actions) | InitAttributes(attributes);
        result |= AddOpen(actions, 0, "/dev/null", 0, 0) | AddDuplicate(actions, output, 1) | AddDuplicate(actions, error, 2) | AddChangeDirectory(actions, "/");
        result |= SetFlags(attributes, Flags) | SetMaskOfProgram(attributes, signals);
        new Span<ulong>(signals, StructWords).Fill(ulong.MaxValue);
        result |= SetDefaults(attributes, signals);
        if (result == 0)
        {
            result = SpawnInPath(out processId, arguments[0], actions, attributes, [.. arguments, null], [.. environment, null]);
        }

        _ = DestroyActions(actions);
        return result;
    }

    [LibraryImport(LibC, EntryPoint = "pthread_sigmask")]
    private static partial int SetSignalMask(int how, ulong* signals, ulong* before);

    [LibraryImport(LibC, EntryPoint = "close_range", SetLastError = true)]
    private static partial int CloseRange(uint first, uint last, uint flags);

    [LibraryImport(LibC, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport(LibC, EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport(LibC, EntryPoint = "posix_spawnp", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SpawnInPath(out int processId, string program, ulong* actions, ulong* attributes, string?[] arguments, string?[] environment);

    [LibraryImport(LibC, EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int InitActions(ulong* actions);

    [LibraryImport(LibC, EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddOpen(ulong* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport(LibC, EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int AddDuplicate(ulong* actions, int descriptor, int becomes);

    [LibraryImport(LibC, EntryPoint = "posix_spawn_file_actions_addchdir_np", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddChangeDirectory(ulong* actions, string path);

    [LibraryImport(LibC, EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int DestroyActions(ulong* actions);

    [LibraryImport(LibC, EntryPoint = "posix_spawnattr_init")]
    private static partial int InitAttributes(ulong* attributes);

    [LibraryImport(LibC, EntryPoint = "posix_spawnattr_setflags")]
    private static partial int SetFlags(ulong* attributes, short flags);

    [LibraryImport(LibC, EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int SetMaskOfProgram(ulong* attributes, ulong* signals);

    [LibraryImport(LibC, EntryPoint = "posix_spawnattr_setsigdefault")]
    private static partial int SetDefaults(ulong* attributes, ulong* signals);
}
