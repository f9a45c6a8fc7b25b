using System.Globalization;
using System.Text;

namespace StorageHost.Benchmarks.Measuring;

/// <summary>Results as Markdown, aligned so that it reads well in a terminal too.</summary>
internal static class Table
{
    public static string OfFigures(params IEnumerable<Result> results) => Of(
        ["part", "what", "ours", "peer or floor", "ratio", "to reach", "reached"],
        from result in results
        from figure in result.Figures
        select new[]
        {
            result.Part, figure.What, figure.Ours, figure.Other, figure.Ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "", figure.ToReach,
            figure.IsReached switch { true => "yes", false => "**no**", null => "" },
        });

    public static string OfSeries(Result result) => Of(
        ["measured", "rounds", "values", "median", "least…most of a round", "p99"],
        result.Series.Select(series => new[]
        {
            series.Name, $"{series.Rounds.Count}", $"{series.Rounds.Sum(round => round.Length)}", series.Show(),
            $"{Series.Show(series.Spread.Least, "")}…{Series.Show(series.Spread.Most, series.Unit)}", series.Rounds[0].Length > 1 ? Series.Show(series.Tail(), series.Unit) : "",
        }));

    private static string Of(string[] head, IEnumerable<string[]> rows)
    {
        var all = rows.Prepend(head).ToList();
        var widths = head.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in all)
        {
            text.AppendLine($"| {string.Join(" | ", row.Select((cell, column) => cell.PadRight(widths[column])))} |");
            if (row == head)
            {
                text.AppendLine($"| {string.Join(" | ", widths.Select(width => new string('-', width)))} |");
            }
        }

        return text.ToString();
    }
}
