using System.Globalization;
using System.Text;
using System.Text.Json;
using StorageHost.Benchmarks.Parts;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Measuring;

/// <summary>
/// Keeps every part's last result as data, and writes <c>docs/benchmarks.md</c> once there is one of each: what stands between the marks
/// there is replaced, what people wrote around them stays.
/// </summary>
internal static class Page
{
    private const string Begin = "<!-- measured: from here to the end mark the benchmark program writes -->";
    private const string End = "<!-- measured: end -->";

    private static readonly string Data = Path.Combine(Repository.Root, "artifacts/benchmarks");
    private static readonly string Target = Path.Combine(Repository.Root, "docs/benchmarks.md");
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, IgnoreReadOnlyProperties = true };

    public static async Task KeepAsync(Result result)
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(DataOf(result.Part), JsonSerializer.Serialize(result, Readable));
    }

    /// <summary>Writes the page, unless a part was never measured; then it says which.</summary>
    public static async Task WriteAsync()
    {
        var missing = Part.All.Where(part => !File.Exists(DataOf(part.Name))).Select(part => part.Name).ToList();
        if (missing is not [])
        {
            Console.WriteLine($"docs/benchmarks.md stays as it is: not measured yet: {string.Join(' ', missing)}");
            return;
        }

        var results = new List<Result>();
        foreach (var part in Part.All)
        {
            results.Add(JsonSerializer.Deserialize<Result>(await File.ReadAllTextAsync(DataOf(part.Name)), Readable)!);
        }

        var text = new StringBuilder($"{Begin}\n\n{await Machine.DescribeAsync()}\n## The figures\n\n{Table.OfFigures(results)}\n");
        foreach (var (part, result) in Part.All.Zip(results))
        {
            text.Append(CultureInfo.InvariantCulture, $"""
                ## {part.Name}

                {part.About}

                <details><summary>everything measured, {result.When:yyyy-MM-dd HH:mm} UTC; load average before: {result.Load:0.0}</summary>

                {Table.OfSeries(result)}
                </details>


                """);
        }

        var page = await File.ReadAllTextAsync(Target);
        var (from, to) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        await File.WriteAllTextAsync(Target, $"{page[..from]}{text}{page[to..]}");
    }

    private static string DataOf(string part) => Path.Combine(Data, $"{part}.json");
}
