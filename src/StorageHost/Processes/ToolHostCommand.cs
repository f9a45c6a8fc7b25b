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

    public static Command Make() => CliWrap.Cli.Wrap(Environment.ProcessPath!)
        .WithArguments(IsOwnHost ? [ToolServer.Word] : [typeof(ToolHostCommand).Assembly.Location, ToolServer.Word])
        .WithWorkingDirectory("/")
        .WithEnvironmentVariables(ToolCage.BareEnvironment([.. Runtime(), .. Thrift]))
        .WithValidation(CommandResultValidation.None);

    /// <summary>False where this program was started with the command dotnet, as tests are.</summary>
    private static bool IsOwnHost => Path.GetFileName(Environment.ProcessPath) != "dotnet";

    /// <summary>Where the runtime lies, if that had to be said.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Runtime() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(variable => ((string)variable.Key).StartsWith("DOTNET_RO", StringComparison.Ordinal)) // DOTNET_ROOT, DOTNET_ROLL_FORWARD
        .Select(variable => new KeyValuePair<string, string>((string)variable.Key, (string)variable.Value!));
}
