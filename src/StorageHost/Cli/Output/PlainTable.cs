using System.Text;

namespace StorageHost.Cli.Output;

/// <summary>A table for whatever is no terminal: columns of equal width, two blanks apart, a line for each row.</summary>
internal static class PlainTable
{
    private const string Between = "  ";

    /// <param name="headers">What stands above the columns.</param>
    /// <param name="rows">The cells of each row.</param>
    public static string Write(string[] headers, IReadOnlyList<string[]> rows)
    {
        var widths = new int[headers.Length];
        for (var column = 0; column < headers.Length; column++)
        {
            widths[column] = headers[column].Length;
            foreach (var row in rows)
            {
                widths[column] = Math.Max(widths[column], row[column].Length);
            }
        }

        var text = new StringBuilder();
        Add(text, headers, widths);
        foreach (var row in rows)
        {
            Add(text, row, widths);
        }

        return text.ToString();
    }

    private static void Add(StringBuilder text, string[] cells, int[] widths)
    {
        for (var column = 0; column < cells.Length - 1; column++)
        {
            text.Append(cells[column].PadRight(widths[column])).Append(Between);
        }

        text.Append(cells[^1]).Append('\n');
    }
}
