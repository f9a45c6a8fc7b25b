using System.Reflection;

namespace StorageHost.Hosting;

/// <summary>What the command line can ask for beside settings.</summary>
internal static class CommandLine
{
    private const string CheckConfig = "--check-config";

    private const string Help = """
        usage: storagehost [SETTING]...                 serves the directory Storage:Directory
               storagehost --check-config [SETTING]...  shows the settings that would be in force, and every fault in them
               storagehost token add|list|remove ...    keeps the bearer tokens
               storagehost --version | --help
        SETTING is --Key=value, such as --Storage:Directory=/srv/vms. Settings are also read from appsettings.json beside
        the program, and from the environment (Storage__Directory). storagehost(8) and docs/configuration.md tell all of them.
        """;

    /// <summary>Answers what needs no settings; null when something else is asked for.</summary>
    public static int? Answer(string[] arguments) => arguments switch
    {
        ["--help" or "-h"] => Say(Help),
        ["--version"] => Say($"storagehost {typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}"),
        _ => null,
    };

    /// <summary>Whether the settings are to be shown, and not to be used.</summary>
    public static bool IsCheck(string[] arguments) => arguments.Contains(CheckConfig, StringComparer.Ordinal);

    /// <summary>Shows them, and gives the exit code that the daemon would refuse to start with.</summary>
    public static int Check(Settings settings)
    {
        foreach (var line in settings.Lines)
        {
            Console.WriteLine(line);
        }

        return settings.Faults.Count == 0 ? ExitCodes.Ok : ExitCodes.Configuration(settings.Faults);
    }

    /// <summary>What is left for the configuration to read.</summary>
    public static string[] Rest(string[] arguments) =>
    [
        // The files are read when the daemon starts and when it is told to, never in between.
        "--hostBuilder:reloadConfigOnChange=false",
        .. arguments.Where(argument => argument != CheckConfig),
    ];

    private static int Say(string text)
    {
        Console.WriteLine(text);
        return ExitCodes.Ok;
    }
}
