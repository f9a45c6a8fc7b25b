using System.CommandLine;
using System.CommandLine.Completions;
using StorageHost.Cli.Completing;

namespace StorageHost.Cli.Commands;

/// <summary>Puts commands together.</summary>
internal static class Building
{
    /// <summary>A command with what it takes, and what it does.</summary>
    public static Command Verb(string name, string description, Func<Session, Task<int>> act, params ReadOnlySpan<Symbol> takes)
    {
        var command = new Command(name, description);
        foreach (var symbol in takes)
        {
            if (symbol is Argument argument)
            {
                command.Add(argument);
            }
            else
            {
                command.Add((Option)symbol);
            }
        }

        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, act, cancellationToken));
        return command;
    }

    /// <summary>An argument whose values can be asked for.</summary>
    public static Argument<string> Word(string name, string description, LiveNames? names = null)
    {
        var argument = new Argument<string>(name) { Description = description, HelpName = name };
        if (names is { } kind)
        {
            argument.CompletionSources.Add(context => Live(context, kind));
        }

        return argument;
    }

    /// <summary>An option with a value.</summary>
    public static Option<string> Value(string name, string value, string description, LiveNames? names = null)
    {
        var option = new Option<string>(name) { Description = description, HelpName = value };
        if (names is { } kind)
        {
            option.CompletionSources.Add(context => Live(context, kind));
        }

        return option;
    }

    /// <summary>An option without one.</summary>
    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    /// <summary>A part of a path.</summary>
    public static string Escape(string text) => Uri.EscapeDataString(text);

    private static async Task<int> RunAsync(ParseResult parsed, Func<Session, Task<int>> act, CancellationToken cancellationToken)
    {
        using var session = Session.Of(parsed, cancellationToken);
        return await act(session);
    }

    private static IEnumerable<CompletionItem> Live(CompletionContext context, LiveNames kind) =>
        Completer.Names(context.ParseResult, kind).Select(name => new CompletionItem(name));
}
