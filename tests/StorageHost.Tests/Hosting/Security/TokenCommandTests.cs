using Microsoft.Extensions.Configuration;
using StorageHost.Hosting;
using StorageHost.Hosting.Security;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

[Collection(nameof(Console))]
public sealed class TokenCommandTests : IDisposable
{
    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void A_token_is_shown_once_and_kept_as_its_hash()
    {
        var (code, token, _) = Run("add", "ci", "read,provision", "--Storage:Id=x");
        Assert.Equal(0, code);
        Assert.Matches("^sth_[A-Za-z0-9_-]{43}\n$", token);
        var kept = File.ReadAllText(scratch.File("tokens"));
        Assert.DoesNotContain(token[4..^1], kept, StringComparison.Ordinal);
        Assert.Equal("ci", TokenList.Read(kept, []).Find(token[..^1])?.Name);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(scratch.File("tokens")));
        Assert.NotEqual(token, Run("add", "other", "read").Said, StringComparer.Ordinal);
    }

    /// <summary>Else the daemon, another user than who adds them, could not read them any more.</summary>
    [Fact]
    public void A_file_that_is_there_keeps_its_mode()
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.WriteAllText(scratch.File("tokens"), "");
        File.SetUnixFileMode(scratch.File("tokens"), Mode);
        Run("add", "ci", "read");
        Run("add", "ops", "destroy");
        Run("remove", "ci");
        Assert.Equal("ops destroy\n", Run("list").Said);
        Assert.Equal(Mode, File.GetUnixFileMode(scratch.File("tokens")));
    }

    [Fact]
    public void Tokens_are_listed_and_removed_and_the_rest_of_the_file_stays()
    {
        File.WriteAllText(scratch.File("tokens"), "# ours\n\n# not for ci");
        Run("add", "ci", "read,provision");
        Run("add", "ops", "destroy");
        Assert.Equal((0, "ci read,provision\nops destroy\n", ""), Run("list"));
        Assert.Equal((0, "", ""), Run("remove", "ci"));
        Assert.Equal((0, "ops destroy\n", ""), Run("list"));
        Assert.StartsWith("# ours\n\n# not for ci\ndestroy sha256:", File.ReadAllText(scratch.File("tokens")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is a token named ci already", "add", "ci", "read")]
    [InlineData("a token's name is", "add", "c i", "read")]
    [InlineData("'write' is no scope", "add", "new", "read,write")]
    [InlineData("'' is no scope", "add", "new", "read,")]
    [InlineData("there is no token named new", "remove", "new")]
    [InlineData("token add needs NAME and SCOPES", "add", "new")]
    [InlineData("there is no command 'revoke'; there is add, list, remove", "revoke", "ci")]
    [InlineData("there is no command 'ad'; did you mean add?", "ad", "ci", "read")]
    [InlineData("token needs a command: add, list, remove")]
    [InlineData("there is no command 'destroy' of add", "add", "new", "read", "destroy")]
    public void What_cannot_be_done_changes_nothing(string told, params string[] words)
    {
        Run("add", "ci", "read");
        var before = File.ReadAllText(scratch.File("tokens"));
        var (code, said, errors) = Run(words);
        Assert.Equal((64, ""), (code, said));
        Assert.Contains(told, errors, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(scratch.File("tokens")));
    }

    [Fact]
    public void A_file_that_is_not_understood_is_left_alone()
    {
        File.WriteAllText(scratch.File("tokens"), "nonsense\n");
        var (code, _, errors) = Run("add", "ci", "read");
        Assert.Equal(78, code);
        Assert.Contains($"Security:TokensFile: {scratch.File("tokens")}: line 1: ", errors, StringComparison.Ordinal);
        Assert.Equal("nonsense\n", File.ReadAllText(scratch.File("tokens")));
    }

    [Theory]
    [InlineData("list")]
    [InlineData("remove", "ci")]
    [InlineData("add", "ci", "write")]
    [InlineData("add", "c i", "read")]
    public void Only_a_token_makes_the_file(params string[] words)
    {
        var (code, said, errors) = Run(words);
        Assert.Equal(words[0] == "add" ? 64 : 78, code);
        Assert.Equal("", said);
        Assert.False(File.Exists(scratch.File("tokens")));
        if (words[0] != "add")
        {
            Assert.Contains($"  Security:TokensFile: {scratch.File("tokens")}: there is no such file", errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("add", "ci", "read")]
    [InlineData("list")]
    public void Its_path_is_absolute(params string[] words)
    {
        var (code, _, errors) = Run(Naming("tokens-here"), words);
        Assert.Equal(78, code);
        Assert.Contains("Security:TokensFile: must be an absolute path", errors, StringComparison.Ordinal);
        Assert.False(File.Exists("tokens-here"));
    }

    [Fact]
    public void A_misspelt_setting_is_named() => Assert.Contains(
        "Securty:TokensFile: there is no such setting; did you mean Security:TokensFile?",
        Run(new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("Securty:TokensFile", (string?)"/x")]).Build(), "list").Errors,
        StringComparison.Ordinal);

    [Fact]
    public void It_must_be_said_which_file() => Assert.Equal(78, Run(new ConfigurationBuilder().Build(), "list").Code);

    [Fact]
    public void A_file_that_cannot_be_written_is_named() =>
        Assert.Equal(78, Run(Naming("/nonexistent/tokens"), "list").Code);

    private (int Code, string Said, string Errors) Run(params string[] words) =>
        Run(Naming(scratch.File("tokens")), words);

    private static IConfigurationRoot Naming(string path) =>
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("Security:TokensFile", (string?)path)]).Build();

    private static (int Code, string Said, string Errors) Run(IConfigurationRoot configuration, params string[] words)
    {
        var (output, error, said, errors) = (Console.Out, Console.Error, new StringWriter(), new StringWriter());
        Console.SetOut(said);
        Console.SetError(errors);
        try
        {
            var line = CommandLine.Read(["token", .. words]);
            return (line.Answer ?? line.Tokens!(configuration), said.ToString(), errors.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }
}
