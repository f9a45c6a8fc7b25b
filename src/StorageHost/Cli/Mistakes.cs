using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;

namespace StorageHost.Cli;

/// <summary>What is wrong with a command line, and what would be right.</summary>
internal static class Mistakes
{
    /// <summary>The first mistake; null when there is none.</summary>
    public static string? Find(ParseResult parsed, FindNearest nearest)
    {
        var command = parsed.CommandResult.Command;
        return parsed.Action is HelpAction ? null
            : parsed.UnmatchedTokens is [var unknown, ..] ? Correct(unknown, command, nearest)
            : command.Action is null ? $"{command.Name} needs a command: {string.Join(", ", Names(command))}"
            : parsed.Errors is [var error, ..] ? $"{error.Message} (storagehost {Path(parsed.CommandResult)} --help)"
            : null;
    }

    private static string Correct(string unknown, Command command, FindNearest nearest)
    {
        var isOption = unknown.StartsWith('-');
        var known = isOption ? Options(command) : Names(command);
        var meant = nearest(unknown.Split('=')[0], known);
        return $"there is no {(isOption ? "option" : "command")} '{unknown}' of {command.Name}"
            + (meant.Count > 0 ? $"; did you mean {string.Join(" or ", meant)}?"
            : known.Count > 0 ? $"; there is {string.Join(", ", known)}"
            : "");
    }

    private static List<string> Names(Command command) => [.. command.Subcommands.Where(each => !each.Hidden).Select(each => each.Name)];

    private static List<string> Options(Command command) =>
        [.. command.Options.Concat(GlobalOptions.All).SelectMany(option => option.Aliases.Append(option.Name))
            .Where(name => name.StartsWith("--", StringComparison.Ordinal))];

    private static string Path(CommandResult result) => result.Parent is CommandResult { Parent: not null } parent
        ? $"{Path(parent)} {result.Command.Name}"
        : result.Command.Name;
}
