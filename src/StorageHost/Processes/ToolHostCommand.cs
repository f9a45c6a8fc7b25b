using System.Collections;
using CliWrap;

namespace StorageHost.Processes;

/// <summary>How this program is started once more, as a tool host.</summary>
internal static class ToolHostCommand
{
    /// <summary>For a runtime that only waits: it compiles and collects on few threads, and keeps little memory.</summary>
    private static readonly KeyValuePair<string, string>[] Thrift =
    [
        new("DOTNET_gcConcurrent", "0"),
        new("DOTNET_GCgen0size", "200000"), // hexadecimal: 2 MiB
        new("DOTNET_GCHeapHardLimit", "10000000"), // 256 MiB
        new("DOTNET_EnableDiagnostics", "0"),
    ];

    /// <summary>How this program is started once more, with words that follow.</summary>
    public static string[] Own =>
        IsOwnHost ? [Environment.ProcessPath!] : [Environment.ProcessPath!, typeof(ToolHostCommand).Assembly.Location];

    public static Command Make() => CliWrap.Cli.Wrap(Environment.ProcessPath!)
        .WithArguments([.. Own.Skip(1), ToolServer.Word])
        .WithWorkingDirectory("/")
        .WithEnvironmentVariables(Variables())
        .WithValidation(CommandResultValidation.None);

    /// <summary>What this program needs of the environment when it is started so.</summary>
    public static Dictionary<string, string?> Variables() => ToolCage.BareEnvironment([.. Runtime(), .. Thrift]);

    /// <summary>False where this program was started with the command dotnet, as tests are.</summary>
    private static bool IsOwnHost => Path.GetFileName(Environment.ProcessPath) != "dotnet";

    /// <summary>Where the runtime lies, if that had to be said.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Runtime() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(variable => ((string)variable.Key).StartsWith("DOTNET_RO", StringComparison.Ordinal)) // DOTNET_ROOT, DOTNET_ROLL_FORWARD
        .Select(variable => new KeyValuePair<string, string>((string)variable.Key, (string)variable.Value!));
}
