using StorageHost.Cli;
using StorageHost.Cli.Connecting;
using Xunit;

namespace StorageHost.Tests.Cli;

public sealed class ServerAddressTests
{
    [Theory]
    [InlineData("http://node1:1", "http://node1:1")]
    [InlineData("https://node1", "https://node1")]
    [InlineData("node1", "http://node1:33833")]
    [InlineData("node1:80", "http://node1")]
    [InlineData("[fe80::1]", "http://[fe80::1]:33833")]
    [InlineData("[fe80::1]:1", "http://[fe80::1]:1")]
    [InlineData("unix:/run/x.sock", "unix:/run/x.sock")]
    [InlineData("http://unix:/run/x.sock", "unix:/run/x.sock")]
    public void An_address_is_read(string text, string address) => Assert.Equal(address, ServerAddress.Parse(text)?.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("unix:")]
    [InlineData("unix:here")]
    [InlineData("ftp://node1")]
    [InlineData("http://node1/path")]
    [InlineData("http://node1/?q")]
    [InlineData("http://user@node1")]
    [InlineData("node1:many")]
    [InlineData("node 1")]
    public void What_is_none_is_refused(string text) => Assert.Null(ServerAddress.Parse(text));

    [Fact]
    public void Several_stand_with_commas_in_between() =>
        Assert.Equal(["http://a:33833", "http://b:33833"], ServerAddress.ParseAll(" a, b ,").Select(each => each.ToString()), StringComparer.Ordinal);

    [Theory]
    [InlineData(",", "the address of the server is empty")]
    [InlineData("a,ftp://b", "'ftp://b' is no address of a server")]
    public void A_fault_names_the_address(string text, string told)
    {
        var refused = Assert.Throws<ClientException>(() => ServerAddress.ParseAll(text));
        Assert.Equal(ClientExit.Usage, refused.Code);
        Assert.StartsWith(told, refused.Message, StringComparison.Ordinal);
    }
}
