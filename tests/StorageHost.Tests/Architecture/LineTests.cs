using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Architecture;

/// <summary>What <c>.editorconfig</c> asks of lines, which no analyzer looks at.</summary>
public sealed class LineTests
{
    [Fact]
    public void No_line_of_the_daemon_is_longer_than_the_rule_says()
    {
        var rule = File.ReadLines(Path.Combine(Repository.Root, ".editorconfig"))
            .Single(line => line.StartsWith("max_line_length = ", StringComparison.Ordinal));
        var most = int.Parse(rule.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
        var files = Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(files);
        Assert.Empty(files.SelectMany(file => File.ReadLines(file).Index().Where(line => line.Item.Length > most)
            .Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line.Index + 1} has {line.Item.Length} columns")));
    }
}
