using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using StorageHost.Cli;
using StorageHost.Hosting.Security;

namespace StorageHost.Hosting;

/// <summary>What the command line asks for.</summary>
/// <param name="Settings">The settings in it, as <c>--Key=value</c>.</param>
/// <param name="Answer">The exit code of what was answered already; null when there is more to do.</param>
/// <param name="IsCheck">Whether the settings are to be shown, and not to be used.</param>
/// <param name="Tokens">Keeps the bearer tokens, in the file that the settings name, and gives the exit code; null when that is not asked
/// for.</param>
internal sealed record CommandLine(
    IReadOnlyList<string> Settings, int? Answer = null, bool IsCheck = false, Func<IConfigurationRoot, int>? Tokens = null)
{
    private const string Usage = """
        usage: storagehost [serve] [SETTING]...                   serves the directory Storage:Directory
               storagehost --check-config [SETTING]...            shows the settings that would be in force, and every fault
               storagehost token add NAME SCOPES [SETTING]...     makes a bearer token and shows it, this once
               storagehost token list [SETTING]...                names the tokens and their scopes
               storagehost token remove NAME [SETTING]...
               storagehost --version | --help
               storagehost COMMAND --help                         the client of a daemon that runs
        """;

    private static readonly string Help = $"""
        {Usage}

        SETTING is --Key=value, such as --Storage:Directory=/srv/vms. Settings are also read from appsettings.json and
        conf.d/*.json beside the program (in the package: /etc/storagehost), and from the environment (Storage__Directory).
        SCOPES are read, provision, import and destroy, or some of them with commas in between. Security:TokensFile names
        the file that keeps the tokens, hashed. storagehost(8) and docs/configuration.md describe every setting.

        COMMAND is one of these; storagehost(1) and docs/cli.md describe them:
        {string.Join('\n', CommandTree.Summary.Select(each => $"  {each.Word,-12}{each.Description}"))}
        """;

    private static readonly Option<bool> Check = new("--check-config") { Arity = ArgumentArity.Zero };
    private static readonly Argument<string> Name = new("NAME");
    private static readonly Argument<string> Scopes = new("SCOPES");
    private static readonly Command Add = new("add") { Name, Scopes };
    private static readonly Command List = new("list");
    private static readonly Command Remove = new("remove") { Name };
    private static readonly Command Token = new("token") { Add, List, Remove };
    private static readonly Command Serve = new("serve");

    private static readonly Command Program = Build();
    private static readonly string[] Options = [.. Program.Options.Select(option => option.Name)];

    private static string? Version =>
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    /// <summary>Reads it. What is mistyped is answered, and nothing is touched.</summary>
    public static CommandLine Read(string[] arguments)
    {
        var (words, settings, incomplete) = Arguments.Split(arguments, Options);
        if (incomplete is not null)
        {
            return new CommandLine(settings, Refuse($"{incomplete} needs a value: {incomplete}=VALUE"));
        }

        var parsed = Program.Parse(words, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        return parsed.Action is Saying ? new CommandLine(settings, parsed.Invoke())
            : FindFault(parsed) is { } fault ? new CommandLine(settings, Refuse(fault))
            : new CommandLine(settings, null, parsed.GetValue(Check), TokensOf(parsed));
    }

    private static Command Build()
    {
        var program = new Command("storagehost")
        {
            Check, Token, Serve,
            new HelpOption("--help", "-h") { Action = new Saying(Help) },
            new Option<bool>("--version") { Arity = ArgumentArity.Zero, Action = new Saying($"storagehost {Version}") },
        };
        program.SetAction(_ => ExitCodes.Ok); // Both may stand alone.
        Serve.SetAction(_ => ExitCodes.Ok);
        return program;
    }

    private static Func<IConfigurationRoot, int>? TokensOf(ParseResult parsed) => parsed.CommandResult.Command switch
    {
        var command when command == Add =>
            configuration => TokenCommand.Add(configuration, parsed.GetRequiredValue(Name), parsed.GetRequiredValue(Scopes)),
        var command when command == List => TokenCommand.List,
        var command when command == Remove => configuration => TokenCommand.Remove(configuration, parsed.GetRequiredValue(Name)),
        _ => null,
    };

    private static string? FindFault(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        return parsed.UnmatchedTokens is [var unknown, ..] ? Correct(unknown, command)
            : command == Token ? $"token needs a command: {Names(command.Subcommands)}"
            : command.Arguments.Any(argument => parsed.GetResult(argument) is not { Tokens.Count: > 0 })
                ? $"token {command.Name} needs {string.Join(" and ", command.Arguments.Select(argument => argument.Name))}"
            : parsed.Errors is [var error, ..] ? error.Message
            : null;
    }

    /// <summary>Says what was meant by a word or an option that there is not.</summary>
    private static string Correct(string unknown, Command command)
    {
        var known = new KnownKeys(new Settings([]).Sections);
        if (unknown.Contains('=', StringComparison.Ordinal) && unknown.TrimStart('-', '/') is var setting && known.HasSection(setting))
        {
            return $"'{unknown}' is no setting; did you mean --{setting}?";
        }

        string[] meant = unknown.StartsWith('-')
            ? [.. Nearest.To(unknown, Options), .. known.SettingsNear(unknown.TrimStart('-')).Select(key => $"--{key}=VALUE")]
            : [.. Nearest.To(unknown, Words(command)), .. Nearest.To($"--{unknown}", OptionsOf(command))];
        return $"there is no {(unknown.StartsWith('-') ? "option" : "command")} '{unknown}'"
            + (meant.Length > 0 ? $"; did you mean {string.Join(" or ", meant)}?"
            : unknown.StartsWith('-') ? $"; the options are {string.Join(", ", Options)}"
            : command.Subcommands.Count > 0 ? $"; there is {string.Join(", ", Words(command))}"
            : $" of {command.Name}");
    }

    private static string[] OptionsOf(Command command) => command == Program ? Options : [];

    /// <summary>What may stand behind a word; behind the program also what begins a command line of the client.</summary>
    private static IEnumerable<string> Words(Command command) => command.Subcommands.Select(each => each.Name)
        .Concat(command == Program ? CommandTree.Words : []);

    private static string Names(IEnumerable<Command> commands) => string.Join(", ", commands.Select(each => each.Name));

    private static int Refuse(string fault) => ExitCodes.Usage($"storagehost: {fault}\n{Usage}");

    /// <summary>Prints a text.</summary>
    private sealed class Saying(string text) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Console.WriteLine(text);
            return ExitCodes.Ok;
        }
    }
}
