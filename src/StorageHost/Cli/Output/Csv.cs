using System.Buffers;
using System.Text;
using System.Text.Json;

namespace StorageHost.Cli.Output;

/// <summary>Rows with commas in between, quoted as RFC 4180 has it; the first names the members. Lines end as those of Unix do.</summary>
internal static class Csv
{
    private static readonly SearchValues<char> Special = SearchValues.Create("\",\r\n");

    public static string Write(IReadOnlyList<Column> columns, IEnumerable<JsonElement> rows)
    {
        var text = new StringBuilder();
        Add(text, columns.Select(column => column.Path));
        foreach (var row in rows)
        {
            Add(text, columns.Select(column => column.Raw(row)));
        }

        return text.ToString();
    }

    private static void Add(StringBuilder text, IEnumerable<string> values) =>
        text.AppendJoin(',', values.Select(Quoted)).Append('\n');

    private static string Quoted(string value) =>
        value.AsSpan().ContainsAny(Special) ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value;
}
