using System.CommandLine;
using System.CommandLine.Help;
using StorageHost.Cli.Commands;

namespace StorageHost.Cli;

/// <summary>The client's commands. Only the group that a command line names is built: a start should cost little.</summary>
internal static class CommandTree
{
    private static readonly (string Word, string Description, Func<Command> Build)[] Groups =
    [
        ("template", "templates: what disks are made of", TemplateCommands.Build),
        ("pool", "pools: the ready copies of templates", PoolCommands.Build),
        ("disk", "disks of virtual machines", DiskCommands.Build),
        ("job", "long work: to watch and to cancel", JobCommands.Build),
        ("volume", "volumes, and how they are", VolumeCommands.Build),
        ("status", "how everything is; the exit code says it too", StatusCommand.Build),
        ("events", "what changes, as it changes", EventsCommand.Build),
        ("completion", "a script that completes words for bash, zsh or fish", CompletionCommand.Build),
    ];

    /// <summary>The words that a command line of the client can begin with.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. Groups.Select(group => group.Word)];

    /// <summary>Each word with what it is about.</summary>
    public static IEnumerable<(string Word, string Description)> Summary => Groups.Select(group => (group.Word, group.Description));

    /// <summary>Reads a command line.</summary>
    public static ParseResult Parse(IReadOnlyList<string> arguments) => Build(arguments).Parse(arguments, Strict);

    /// <summary>Reads the text of an unfinished one.</summary>
    public static ParseResult ParseText(string text) => Build(text.Split(' ')).Parse(text, Strict);

    private static ParserConfiguration Strict => new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    private static Command Build(IReadOnlyList<string> arguments)
    {
        var program = new Command("storagehost", "StorageHost: disks of virtual machines") { new HelpOption("--help", "-h") };
        foreach (var option in GlobalOptions.All)
        {
            program.Add(option);
        }

        foreach (var (word, description, build) in Groups)
        {
            var isNamed = arguments.Contains(word, StringComparer.Ordinal);
            var command = isNamed ? build() : new Command(word);
            command.Description = description;
            program.Add(command);
        }

        return program;
    }
}
