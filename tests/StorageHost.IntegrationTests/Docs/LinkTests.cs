using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Docs;

/// <summary>Where a page sends its reader, there is something.</summary>
public sealed partial class LinkTests
{
    public static TheoryData<string> Pages => [.. Files("*.md").Select(file => Path.GetRelativePath(Repository.Root, file))];

    [Theory, MemberData(nameof(Pages))]
    public void Every_link_within_the_project_leads_somewhere(string page)
    {
        var file = Path.Combine(Repository.Root, page);
        var lost = Links().Matches(File.ReadAllText(file)).Select(link => link.Groups[1].Value)
            .Where(link => !link.Contains("://", StringComparison.Ordinal) && !LeadsSomewhere(file, link.Split('#')));
        Assert.Empty(lost);
    }

    private static bool LeadsSomewhere(string from, string[] link)
    {
        var to = link[0].Length == 0 ? from : Path.Combine(Path.GetDirectoryName(from)!, link[0]);
        return Path.Exists(to) && (link.Length == 1 || File.ReadLines(to).Any(line => Anchor(line) == link[1]));
    }

    /// <summary>What a heading is linked to by, as the forges make it; null for other lines.</summary>
    private static string? Anchor(string line) =>
        line.StartsWith('#') ? NoAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-') : null;

    private static IEnumerable<string> Files(string pattern) =>
        Directory.GetFiles(Repository.Root, pattern).Concat(Directory.GetFiles(Path.Combine(Repository.Root, "docs"), pattern, SearchOption.AllDirectories));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoAnchor();
}
