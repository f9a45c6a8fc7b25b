using System.Collections;
using System.Globalization;
using CliWrap;

namespace StorageHost.Processes;

/// <summary>
/// What confines every program: a bare environment, a session of its own, limits, and an end together with the tool host.
/// </summary>
internal static class ToolCage
{
    /// <summary>
    /// The program as CliWrap starts it. Each of the three tools before it (of util-linux, which every Debian has) replaces itself by the
    /// next, so the process stays the same.
    /// </summary>
    public static Command Wrap(ProcessCommand command) => CliWrap.Cli.Wrap("setsid")
        .WithArguments([
            "setpriv", "--pdeathsig", "KILL",
            .. command.IsCaged ? CagedCommand.Prefix(command.Program) : Array.Empty<string>(),
            "prlimit", .. Limits(command), "--", command.Program, .. command.Arguments])
        .WithWorkingDirectory("/")
        .WithEnvironmentVariables(command.IsCaged ? ToolHostCommand.Variables() : BareEnvironment())
        .WithValidation(CommandResultValidation.None);

    /// <summary>Whether it is prlimit that failed: the program is not there, or may not be executed.</summary>
    public static bool IsExecFailure(int exitCode, ReadOnlySpan<byte> error) =>
        exitCode is 126 or 127 && error.StartsWith("prlimit: failed to execute "u8);

    /// <summary>What a program gets of our environment, which may hold tokens: nothing but the path.</summary>
    /// <param name="others">What it gets besides.</param>
    public static Dictionary<string, string?> BareEnvironment(params ReadOnlySpan<KeyValuePair<string, string>> others)
    {
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (DictionaryEntry own in Environment.GetEnvironmentVariables())
        {
            variables[(string)own.Key] = null; // CliWrap takes it away
        }

        variables["PATH"] = Environment.GetEnvironmentVariable("PATH");
        variables["LC_ALL"] = "C"; // messages are parsed

        // Every thread of a program takes 64 MiB of addresses for memory of its own, of the few that its limit leaves.
        variables["MALLOC_ARENA_MAX"] = "2";
        foreach (var (name, value) in others)
        {
            variables[name] = value;
        }

        return variables;
    }

    /// <summary>A caged program can open no file for writing; what it keeps in memory as a file is one, too.</summary>
    private const int MemoryFileBytes = 1 << 20;

    private static string[] Limits(ProcessCommand command)
    {
        var cpuSeconds = (long)Math.Ceiling((command.CpuTime ?? command.Timeout).TotalSeconds);
        return [
            string.Create(CultureInfo.InvariantCulture, $"--as={command.MemoryBytes}"),
            string.Create(CultureInfo.InvariantCulture, $"--cpu={cpuSeconds}"),
            "--core=0",
            .. command.IsCaged ? [$"--fsize={MemoryFileBytes}"] : Array.Empty<string>(),
        ];
    }
}
