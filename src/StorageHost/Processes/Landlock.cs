using System.Runtime.InteropServices;

namespace StorageHost.Processes;

/// <summary>
/// Which files this thread, and whatever it becomes, can still open: the system's programs and libraries, to be read. Linux has it since
/// 5.13, and any user may take rights away from itself.
/// </summary>
internal static unsafe partial class Landlock
{
    private const int CreateRuleset = 444;
    private const int AddRule = 445;
    private const int RestrictSelf = 446;
    private const int AskVersion = 1; // LANDLOCK_CREATE_RULESET_VERSION
    private const int PathBeneath = 1; // LANDLOCK_RULE_PATH_BENEATH
    private const int OpenPath = 0x280000; // O_PATH | O_CLOEXEC

    private const ulong Execute = 1;
    private const ulong ReadFile = 1 << 2;
    private const ulong ReadFolder = 1 << 3;

    /// <summary>TCP of any kind: LANDLOCK_ACCESS_NET_BIND_TCP and CONNECT_TCP.</summary>
    private const ulong Network = 3;

    /// <summary>Abstract Unix sockets and signals, to whoever is outside.</summary>
    private const ulong Outside = 3;

    private static readonly (string Path, ulong Rights)[] Open =
    [
        ("/usr", Execute | ReadFile | ReadFolder),
        ("/lib", Execute | ReadFile | ReadFolder),
        ("/lib64", Execute | ReadFile | ReadFolder),
        ("/bin", Execute | ReadFile | ReadFolder),
        ("/etc/ld.so.cache", ReadFile),
        ("/dev/urandom", ReadFile),
        ("/dev/null", ReadFile),
        ("/sys/devices/system/cpu", ReadFile | ReadFolder),
    ];

    /// <summary>Confines this thread; false when the kernel cannot.</summary>
    /// <param name="program">The program that it is to become: it may lie elsewhere, if it is named by its path.</param>
    public static bool TryConfine(string program)
    {
        var version = Call(CreateRuleset, 0, 0, AskVersion);
        if (version < 1)
        {
            return false;
        }

        // What is named here is forbidden but where a rule allows it; a kernel refuses what it does not know.
        var handled = new Ruleset
        {
            Files = version switch { 1 => 0x1fff, 2 => 0x3fff, 3 or 4 => 0x7fff, _ => 0xffff },
            Network = Network,
            Scope = Outside,
        };
        var size = version switch { < 4 => 8, < 6 => 16, _ => sizeof(Ruleset) };
        var rules = Call(CreateRuleset, (nint)(&handled), size, 0);
        if (rules < 0)
        {
            return false;
        }

        foreach (var (path, rights) in Open)
        {
            Allow(rules, path, rights);
        }

        if (program.StartsWith('/'))
        {
            Allow(rules, program, Execute | ReadFile);
        }

        return Call(RestrictSelf, rules, 0, 0) == 0;
    }

    // What is not there need not be allowed.
    private static void Allow(nint rules, string path, ulong rights)
    {
        var file = OpenAt(path, OpenPath);
        if (file >= 0)
        {
            var rule = new Rule { Rights = rights, File = file };
            _ = Call(AddRule, rules, PathBeneath, (nint)(&rule), 0);
            _ = Close(file);
        }
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Call(nint number, nint first, nint second, nint third, nint fourth = 0);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    /// <summary>struct landlock_ruleset_attr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Ruleset
    {
        public ulong Files;
        public ulong Network;
        public ulong Scope;
    }

    /// <summary>struct landlock_path_beneath_attr.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Rule
    {
        public ulong Rights;
        public int File;
    }
}
