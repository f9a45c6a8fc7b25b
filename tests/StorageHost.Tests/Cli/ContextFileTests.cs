using StorageHost.Cli;
using StorageHost.Cli.Connecting;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Cli;

public sealed class ContextFileTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const string Farm = """
        { // the farms
          "current": "prod",
          "contexts": {
            "prod": {"server": ["https://node1:33833", "https://node2:33833"], "ca": "ca.pem", "certificate": "/c.pem", "key": "/k.pem"},
            "lab": {"server": "node9", "token_file": "token",},
            "here": {}
          }
        }
        """;

    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Contexts_are_read_and_their_paths_seen_from_the_file()
    {
        var file = ContextFile.Parse("/home/me/config.json", Farm);
        var prod = file.Find(null)!;
        Assert.Equal(("prod", 2), (prod.Name, prod.Servers.Count));
        Assert.Equal(new Credentials("/home/me/ca.pem", "/c.pem", "/k.pem", null), prod.Credentials);
        Assert.Equal("/home/me/token", file.Find("lab")!.Credentials.TokenFile);
        Assert.Same(ServerAddress.Local, file.Find("here")!.Servers);
    }

    [Theory]
    [InlineData("{", "")]
    [InlineData("[]", "")]
    [InlineData("""{"contxts":{}}""", "'contxts' is unknown")]
    [InlineData("""{"contexts":{"a":{"servr":"x"}}}""", "contexts.a.servr is unknown")]
    [InlineData("""{"contexts":{"a":{"server":"ftp://x"}}}""", "'ftp://x' is no address")]
    [InlineData("""{"contexts":{"a":{"ca":5}}}""", "")]
    [InlineData("""{"current":"gone"}""", "there is no context 'gone'; there is none")]
    public void A_faulty_file_is_refused(string text, string told)
    {
        var refused = Assert.Throws<ClientException>(() => ContextFile.Parse("/x/config.json", text).Find(null));
        Assert.Equal(ClientExit.Configuration, refused.Code);
        Assert.Contains(told, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_that_was_named_and_is_not_there_is_a_mistake_of_the_command_line()
    {
        var refused = Assert.Throws<ClientException>(() => ContextFile.Parse("/x/config.json", Farm).Find("pord"));
        Assert.Equal((ClientExit.Usage, "there is no context 'pord'; there is prod, lab, here"), (refused.Code, refused.Message));
    }

    [Fact]
    public void Without_a_file_there_is_no_context() => Assert.Null(ContextFile.Read(scratch.File("none")).Find(null));

    [Theory]
    [InlineData(Private, true)]
    [InlineData(UnixFileMode.UserRead, true)]
    [InlineData(Private | UnixFileMode.GroupRead, false)]
    [InlineData(Private | UnixFileMode.OtherRead, false)]
    [InlineData(Private | UnixFileMode.GroupWrite, false)]
    public void A_file_that_others_can_read_is_refused(UnixFileMode mode, bool isRead)
    {
        var path = scratch.File("config.json");
        File.WriteAllText(path, "{}");
        File.SetUnixFileMode(path, mode);
        if (isRead)
        {
            Assert.Empty(ContextFile.Read(path).Contexts);
            return;
        }

        var refused = Assert.Throws<ClientException>(() => ContextFile.Read(path));
        Assert.Equal(ClientExit.Configuration, refused.Code);
        Assert.Contains("chmod 600", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", null, "b", "http://a:33833", null)]
    [InlineData(null, null, "b", "http://b:33833", null)]
    [InlineData(null, null, "", "https://node1:33833,https://node2:33833", null)]
    [InlineData(null, "lab", "b", "http://node9:33833", "/home/me/token")]
    [InlineData("a", "lab", null, "http://a:33833", "/home/me/token")]
    public void The_server_is_that_which_was_named_most_plainly(string? server, string? context, string? variable, string servers, string? token)
    {
        var target = Target.Find(server, context, variable, Credentials.None, () => ContextFile.Parse("/home/me/config.json", Farm));
        Assert.Equal(servers, string.Join(',', target.Servers));
        Assert.Equal(token, target.Credentials.TokenFile);
    }

    [Fact]
    public void Without_any_word_it_is_the_daemon_of_this_machine() =>
        Assert.Same(ServerAddress.Local, Target.Find(null, null, null, Credentials.None, () => ContextFile.Read(null)).Servers);

    [Fact]
    public void A_certificate_of_the_command_line_does_not_get_the_key_of_a_context()
    {
        var context = new Credentials("ca", "certificate", "key", "token");
        Assert.Equal(new Credentials("ca", "mine", null, "token"), new Credentials(null, "mine", null, null).Over(context));
        Assert.Equal(context, Credentials.None.Over(context));
    }

    [Theory]
    [InlineData("sth_x\n", "sth_x")]
    [InlineData("", null)]
    [InlineData("two words", null)]
    public void A_token_is_one_word(string text, string? token)
    {
        var path = scratch.File("token");
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, Private);
        var credentials = Credentials.None with { TokenFile = path };
        if (token is null)
        {
            Assert.Equal(ClientExit.Configuration, Assert.Throws<ClientException>(credentials.ReadToken).Code);
        }
        else
        {
            Assert.Equal(token, credentials.ReadToken());
        }
    }
}
