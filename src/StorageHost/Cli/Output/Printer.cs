using System.Text;
using System.Text.Json;

namespace StorageHost.Cli.Output;

/// <summary>Data goes to standard output, what is said to standard error.</summary>
internal sealed class Printer(OutputFormat format)
{
    public OutputFormat Format => format;

    /// <summary>Whether somebody is there to be asked, and to see bars.</summary>
    public static bool IsAttended => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Says something to whoever watches.</summary>
    public static void Say(string message) => Console.Error.WriteLine($"storagehost: {Column.Safe(message)}");

    /// <summary>Shows a list.</summary>
    /// <param name="body">What the server answered.</param>
    /// <param name="rows">The entries.</param>
    /// <param name="columns">What of each is shown.</param>
    public void Show(ReadOnlySpan<byte> body, IReadOnlyList<JsonElement> rows, IReadOnlyList<Column> columns)
    {
        switch (format)
        {
            case OutputFormat.Json:
                Write(body);
                break;
            case OutputFormat.Csv:
                Write(Csv.Write(columns, rows));
                break;
            default:
                Column[] shown = [.. columns.Where(column => !column.IsWide || format == OutputFormat.Wide)];
                Table([.. shown.Select(column => column.Header)], [.. rows.Select(row => Cells(shown, row))]);
                break;
        }
    }

    /// <summary>Shows one thing: a line for each of its members.</summary>
    public void ShowOne(ReadOnlySpan<byte> body, JsonElement one, IReadOnlyList<Column> columns)
    {
        if (format is OutputFormat.Json or OutputFormat.Csv)
        {
            Show(body, [one], columns);
            return;
        }

        Table(["MEMBER", "VALUE"], [.. columns.Select(column => (string[])[column.Header.ToLowerInvariant(), column.Shown(one)])]);
    }

    /// <summary>Writes a text as it is.</summary>
    public static void Write(string text) => StandardOutput.Write(Encoding.UTF8.GetBytes(text));

    private static string[] Cells(Column[] columns, JsonElement row)
    {
        var cells = new string[columns.Length];
        for (var index = 0; index < cells.Length; index++)
        {
            cells[index] = columns[index].Shown(row);
        }

        return cells;
    }

    private static void Table(string[] headers, IReadOnlyList<string[]> rows)
    {
        if (Console.IsOutputRedirected)
        {
            Write(PlainTable.Write(headers, rows));
        }
        else
        {
            Terminal.Draw(headers, rows);
        }
    }

    private static void Write(ReadOnlySpan<byte> body)
    {
        StandardOutput.Write(body);
        if (body is not [.., (byte)'\n'])
        {
            StandardOutput.Write("\n"u8);
        }
    }
}
