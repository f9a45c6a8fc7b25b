using System.Text.RegularExpressions;

namespace StorageHost.IntegrationTests.Docs;

/// <summary>A command of a page, and what the page says that it answers.</summary>
/// <param name="Line">Where it stands on the page, from 1.</param>
/// <param name="Command">What a reader types into bash.</param>
/// <param name="Answer">The lines after it, up to the next command or the end of the block.</param>
internal sealed partial record Example(int Line, string Command, string Answer)
{
    private const string Prompt = "$ ";

    /// <summary>All commands of a page in their order: the lines of its code blocks that begin with a prompt.</summary>
    public static IReadOnlyList<Example> Of(string page)
    {
        var examples = new List<Example>();
        var inBlock = false;
        foreach (var (line, number) in page.Split('\n').Select((line, index) => (line, index + 1)))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                inBlock = !inBlock && line.StartsWith("```console", StringComparison.Ordinal);
            }
            else if (inBlock && line.StartsWith(Prompt, StringComparison.Ordinal))
            {
                examples.Add(new Example(number, line[Prompt.Length..], ""));
            }
            else if (inBlock)
            {
                examples[^1] = examples[^1] with { Answer = examples[^1].Answer + line + '\n' };
            }
        }

        return examples;
    }

    /// <summary>The parts of an answer that are the same on every machine and at any time; for the others a sign.</summary>
    public static string Lasting(string answer)
    {
        var lasting = Disks().Replace(answer.Trim(), "\"disks\": []");
        lasting = Moments().Replace(lasting, "<time>");
        lasting = Ids().Replace(lasting, "<id>");
        lasting = Folders().Replace(lasting, "<folder>");
        lasting = Figures().Replace(lasting, "$1<figure>");
        lasting = UnderWay().Replace(lasting, "\"state\": \"<under way>\"");
        return Types().Replace(lasting, "lies on <type>:");
    }

    [GeneratedRegex("""^  "disks": \[.*?^  \]""", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Disks();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d[T ][0-9:.]+(\+00:00|Z)")]
    private static partial Regex Moments();

    [GeneratedRegex(@"\b([0-9a-f]{3,32}…|[0-9a-f]{32}\b|[0-9a-f]{16}\b)")]
    private static partial Regex Ids();

    [GeneratedRegex(@"[\w.-]*tmp\.\w{10}\b")]
    private static partial Regex Folders();

    // How many copies are in the making when the answer comes, a moment decides as well.
    [GeneratedRegex("""("(copying|inode|modified_ns|bytes_done|bytes_total|bytes_per_second|eta_seconds|total_space|free_space|age_seconds|primary_disk_id)": ?)("[^"]*"|[0-9.]+|null)""")]
    private static partial Regex Figures();

    // Whether a job has begun already, a moment decides.
    [GeneratedRegex("\"state\": \"(queued|running)\"")]
    private static partial Regex UnderWay();

    [GeneratedRegex(@"lies on (?!fuse)\w+:")]
    private static partial Regex Types();
}
