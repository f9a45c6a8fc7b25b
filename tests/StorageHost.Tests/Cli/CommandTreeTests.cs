using System.CommandLine;
using System.Text;
using StorageHost.Cli;
using StorageHost.Hosting;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Cli;

[Collection(nameof(Console))]
public sealed class CommandTreeTests
{
    private static readonly string Approved = Path.Combine(Repository.Root, "tests/StorageHost.Tests/Approved/cli-help.txt");

    /// <summary>A change of the commands shows in the approved file; UPDATE_APPROVED=1 rewrites it for the reviewer.</summary>
    [Fact]
    public async Task The_help_is_that_which_was_approved()
    {
        var help = new StringBuilder();
        foreach (var words in Every())
        {
            var text = new StringWriter();
            await CommandTree.Parse([.. words, "--help"]).InvokeAsync(new InvocationConfiguration { Output = text });
            help.Append("$ storagehost ").AppendJoin(' ', words).Append(" --help\n").Append(text.ToString().TrimEnd()).Append("\n\n");
        }

        if (Environment.GetEnvironmentVariable("UPDATE_APPROVED") is "1")
        {
            await File.WriteAllTextAsync(Approved, help.ToString());
        }

        Assert.Equal(await File.ReadAllTextAsync(Approved), help.ToString());
    }

    [Fact]
    public void The_page_of_the_command_line_names_every_command()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs/cli.md"));
        var manual = File.ReadAllText(Path.Combine(Repository.Root, "deploy/storagehost.1"));
        Assert.All(Every(), words => Assert.Contains($"storagehost {string.Join(' ', words)}", page.Replace("`", "storagehost ", StringComparison.Ordinal) + Expand(page), StringComparison.Ordinal));
        Assert.All(Every(), words => Assert.Contains($".B storagehost {string.Join(' ', words)}", manual.Replace("\\-", "-", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "template", "list")]
    [InlineData(true, "-o", "json", "template", "list")]
    [InlineData(true, "--server=node1", "status")]
    [InlineData(true, "--server", "token", "status")]
    [InlineData(true, "__complete", "")]
    [InlineData(false)]
    [InlineData(false, "serve")]
    [InlineData(false, "token", "list")]
    [InlineData(false, "--help")]
    [InlineData(false, "--check-config")]
    [InlineData(false, "--Storage:Directory", "/srv", "template")]
    [InlineData(false, "--Storage:Directory=template")]
    [InlineData(false, "templat", "list")]
    [InlineData(false, "--server", "node1")]
    public void The_daemon_keeps_its_own_command_line(bool isClients, params string[] arguments) =>
        Assert.Equal(isClients, ClientProgram.Understands(arguments));

    [Theory]
    [InlineData("there is no command 'lits' of template; did you mean list?", "template", "lits")]
    [InlineData("there is no command 'frobnicate' of job; there is list, watch, cancel", "job", "frobnicate")]
    [InlineData("there is no option '--dry-rn' of delete; did you mean --dry-run?", "template", "delete", "x", "--dry-rn")]
    [InlineData("there is no option '--sizes=5' of create; did you mean --size?", "disk", "create", "a", "b", "--sizes=5")]
    [InlineData("there is no command 'c' of show", "template", "show", "a", "c")]
    [InlineData("template needs a command: list, show, upload, import, capture, rollback, protect, delete", "template")]
    [InlineData("Required argument missing for command: 'show'. (storagehost template show --help)", "template", "show")]
    [InlineData("-o yaml: there is table, wide, json and csv", "template", "list", "-o", "yaml")]
    [InlineData("--timeout must be a whole number from 1 to 86400; it is '0'", "template", "list", "--timeout", "0")]
    [InlineData("LEVEL must be a whole number from 0 to 1000000; it is 'many'", "pool", "set", "centos", "many")]
    [InlineData("'ftp://x' is no address of a server", "status", "--server", "ftp://x")]
    [InlineData("--purge is for a host; a_storage_1G is one data disk", "disk", "delete", "a_storage_1G", "--purge", "--yes")]
    [InlineData("events have no common columns: -o csv is not for them", "events", "-o", "csv")]
    [InlineData("there is no script for 'ksh'; there is bash, zsh, fish", "completion", "ksh")]
    public async Task What_is_mistyped_is_refused_before_anybody_is_asked(string told, params string[] arguments)
    {
        var errors = new StringWriter();
        var stream = Console.Error;
        Console.SetError(errors);
        try
        {
            Assert.Equal(ClientExit.Usage, await ClientProgram.RunAsync(arguments, Nearest.To));
        }
        finally
        {
            Console.SetError(stream);
        }

        Assert.StartsWith($"storagehost: {told}", errors.ToString(), StringComparison.Ordinal);
    }

    private static IEnumerable<string[]> Every() => CommandTree.Words.SelectMany(word => Under([word]));

    private static IEnumerable<string[]> Under(string[] words)
    {
        var command = CommandTree.Parse(words).CommandResult.Command;
        return (command.Action is null ? [] : (string[][])[words]).Concat(command.Subcommands.SelectMany(each => Under([.. words, each.Name])));
    }

    /// <summary>The table of the page has several verbs of one noun in a row.</summary>
    private static string Expand(string page) => string.Join('\n', page.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).SelectMany(line =>
    {
        var verbs = line.Split('|')[1].Split('`').Where((_, at) => at % 2 == 1).Select(verb => verb.Split(' ')).ToList();
        return verbs.Select((verb, at) => at == 0 ? $"storagehost {string.Join(' ', verb)}" : $"storagehost {verbs[0][0]} {string.Join(' ', verb)}");
    }));
}
