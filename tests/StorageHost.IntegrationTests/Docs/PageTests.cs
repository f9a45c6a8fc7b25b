using System.Text;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Docs;

/// <summary>Does what a reader of a page would do, from top to bottom in one shell, and compares the answers with those on the page.</summary>
[Collection(LabTests.Name)]
public sealed class PageTests(Lab lab)
{
    private const char Mark = '\u001e';

    [DaemonFact]
    public Task The_page_of_the_interface_tells_the_truth() => RunAsync(Example.Of(Read("docs/api.md")));

    [DaemonFact]
    public Task The_page_of_the_command_line_tells_the_truth() => RunAsync(Example.Of(Read("docs/cli.md")));

    /// <summary>The daemon that its reader has started by then is that of the other page.</summary>
    [DaemonFact]
    public Task The_first_page_tells_the_truth() => RunAsync(
        [.. Example.Of(Read("docs/api.md")).Take(5), .. Example.Of(Read("README.md")), new Example(0, "kill $daemon; wait $daemon; rm -r \"$images\"", "")]);

    private static string Read(string page) => File.ReadAllText(Path.Combine(Repository.Root, page));

    /// <summary>In a network of its own, where the usual port is free, on a machine that is called as the page has it.</summary>
    private async Task RunAsync(IReadOnlyList<Example> examples)
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var script = Path.Combine(Lab.Directory, "page.sh");
        await File.WriteAllTextAsync(script, Script(examples));
        var said = await Shell.RunAsync(
            TimeSpan.FromMinutes(2), "env", $"TMPDIR={area.Seen()}", "unshare", "--net", "--uts", "sh", "-c", "hostname node1 && ip link set lo up && exec bash \"$0\" 2>&1", script);
        var answers = said.Split(Mark);
        Assert.Equal(examples.Count, answers.Length - 1);
        Assert.Multiple([.. examples.Zip(answers, (example, answer) => (Action)(() => Assert.True(
            Example.Lasting(answer) == Example.Lasting(example.Answer),
            $"line {example.Line}: {example.Command}\nis said to answer\n{Example.Lasting(example.Answer)}\nand answers\n{Example.Lasting(answer)}")))]);
    }

    private static string Script(IReadOnlyList<Example> examples)
    {
        var script = new StringBuilder($"cd {Repository.Root}\n");
        foreach (var example in examples)
        {
            script.Append(example.Command).Append($"\nprintf '{Mark}'\n");
        }

        return script.ToString();
    }
}
