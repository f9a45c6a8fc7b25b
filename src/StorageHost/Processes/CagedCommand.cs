using System.Runtime.InteropServices;
using System.Text;

namespace StorageHost.Processes;

/// <summary>
/// This program, started once more with a word of its own: it confines itself, and becomes the program that is to run so. What the kernel
/// has taken away from a thread is taken away from whatever it becomes.
/// </summary>
internal static unsafe partial class CagedCommand
{
    /// <summary>The first argument; the program that is to be run, and what it is run by, follow.</summary>
    public const string Word = "caged";

    /// <summary>What it ends with when it could not confine itself, so that nothing was run.</summary>
    public const int NotConfined = 125;

    private const int NotFound = 127;
    private const int StandardError = 2;
    private const int NoNewPrivileges = 38; // PR_SET_NO_NEW_PRIVS
    private const int BrokenPipe = 13; // SIGPIPE

    /// <summary>What stands before the command.</summary>
    public static string[] Prefix(string program) => [.. ToolHostCommand.Own, Word, program];

    /// <summary>Becomes the command.</summary>
    /// <returns>The exit code when that failed.</returns>
    public static int Enter(ReadOnlySpan<string> arguments)
    {
        if (arguments is not [var program, var first, ..])
        {
            return NotConfined;
        }

        var file = Text(first);
        var words = List(arguments[1..]);
        var variables = List(Variables());
        var complaint = "the program cannot be confined on this machine: the kernel lacks Landlock or seccomp\n"u8;
        fixed (byte* text = complaint)
        {
            // Afterwards the runtime could load nothing more: so each call is made once before, in a way that does nothing.
            _ = Execute(Text(""), words, variables);
            _ = Write(StandardError, text, 0);

            // The runtime has it ignored, and so would the program.
            _ = SetSignal(BrokenPipe, 0 /* SIG_DFL */);
            if (Control(NoNewPrivileges, 1, 0, 0, 0) != 0 || !Landlock.TryConfine(program) || !SyscallFilter.TryInstall())
            {
                _ = Write(StandardError, text, complaint.Length);
                return NotConfined;
            }

            _ = Execute(file, words, variables);
            return NotFound;
        }
    }

    private static string[] Variables() =>
    [
        .. new[] { "PATH", "LC_ALL", "MALLOC_ARENA_MAX" }.Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}"),
    ];

    private static byte** List(ReadOnlySpan<string> texts)
    {
        var list = (byte**)NativeMemory.AllocZeroed((nuint)(texts.Length + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Length; i++)
        {
            list[i] = Text(texts[i]);
        }

        return list;
    }

    // It lasts as long as the process does.
    private static byte* Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var copy = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        return copy;
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetSignal(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint first, nuint second, nuint third, nuint fourth);

    [LibraryImport("libc", EntryPoint = "execvpe")]
    private static partial int Execute(byte* file, byte** arguments, byte** variables);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int file, byte* bytes, nint count);
}
