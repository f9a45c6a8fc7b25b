using Spectre.Console;

namespace StorageHost.Cli.Output;

/// <summary>What is drawn on a terminal, and on nothing else.</summary>
internal static class Terminal
{
    /// <summary>A console over one of the standard streams, in colour as NO_COLOR and TERM say.</summary>
    public static IAnsiConsole Open(TextWriter stream)
    {
        var isDumb = Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        var hasColour = !isDumb && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(stream),
            Ansi = isDumb ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = hasColour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isDumb ? InteractionSupport.No : InteractionSupport.Yes,
        });
    }

    /// <summary>Draws a table on standard output.</summary>
    public static void Draw(string[] headers, IReadOnlyList<string[]> rows)
    {
        var console = Open(Console.Out);
        var hasColour = console.Profile.Capabilities.ColorSystem != ColorSystem.NoColors;
        var heading = hasColour ? new Style(decoration: Decoration.Bold) : Style.Plain;
        var table = new Table().Border(TableBorder.Simple);
        foreach (var header in headers)
        {
            table.AddColumn(new TableColumn(new Text(header, heading)));
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        console.Write(table);
    }
}
