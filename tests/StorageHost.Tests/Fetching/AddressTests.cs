using System.Net;
using System.Net.Sockets;
using StorageHost.Fetching;
using StorageHost.Images;
using StorageHost.Images.Templates;
using Xunit;
using static StorageHost.Tests.Fetching.Answers;

namespace StorageHost.Tests.Fetching;

/// <summary>Nothing that is not on the public network is ever asked. A listener on this machine counts who comes.</summary>
public sealed class AddressTests : IDisposable
{
    private readonly ScriptedServer server = new();
    private readonly TcpListener listener = new(IPAddress.IPv6Any, 0);

    public AddressTests()
    {
        listener.Server.DualMode = true;
        listener.Start();
    }

    /// <summary>Hosts of this machine and of others that are nobody's business, in every form that some program understands.</summary>
    public static TheoryData<string> Forms =>
    [
        "127.0.0.1", "127.1", "127.255.255.254", "2130706433", "017700000001", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "127.0.0.1.",
        "2130706433.", "localhost", "LOCALHOST.", "a.localhost", "0.0.0.0", "0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "2852039166",
        "0251.0376.0251.0376", "0xA9FEA9FE", "169.254.169.254.", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255",
        "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2001::1]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]",
        "[5f00::1]", "[4000::1]",
    ];

    public void Dispose()
    {
        listener.Dispose();
        server.Transport.Dispose();
        server.Dispose();
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Whatever_form_it_has_it_is_refused_at_once_and_nobody_is_asked(string host)
    {
        server.Addresses.Enqueue([IPAddress.Loopback]);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => server.FetchAsync($"https://{host}:{Port}/a.img"));
        Assert.Equal(Refusal.UrlRefused, refused.Reason);
        Assert.Throws<RefusedException>(() => server.Rules.Check(ScriptedServer.Url($"https://{host}:{Port}/a.img")));
        Assert.Empty(server.Requests);
        Assert.Empty(server.Lookups);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task A_redirect_to_it_is_refused(string host)
    {
        server.Redirects($"https://{host}:{Port}/a.img");
        var refused = await Assert.ThrowsAsync<RefusedException>(() => server.FetchAsync());
        Assert.Equal(Refusal.UrlRefused, refused.Reason);
        Assert.Single(server.Requests);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task The_connection_refuses_it_too_whatever_was_checked_before(string host)
    {
        using var transport = new UrlTransport(server.Rules);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{host}:{Port}/a.img");
        var failed = await Assert.ThrowsAnyAsync<Exception>(() => transport.SendAsync(request, ScriptedServer.Url("https://images.example.org/"), CancellationToken.None));
        Assert.True(failed is RefusedException { Reason: Refusal.UrlRefused } or ArgumentException or SocketException or UriFormatException or HttpRequestException, $"{failed}");
        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("fd00::1")]
    public async Task A_name_that_leads_there_is_refused_even_beside_a_public_address(string address)
    {
        server.Addresses.Clear();
        server.Addresses.Enqueue([IPAddress.Parse("93.184.216.34"), IPAddress.Parse(address)]);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => server.FetchAsync());
        Assert.Equal(
            (Refusal.UrlRefused, "images.example.org is not on the public network, nor one of the hosts of Import:AllowedHosts"), (refused.Reason, refused.Message));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_name_that_leads_elsewhere_the_second_time_is_refused_when_the_rest_is_asked_for()
    {
        server.Addresses.Enqueue([IPAddress.Loopback]);
        server.Then(Whole(breaksAt: 300)).Then(Rest(300));
        Assert.Equal(Refusal.UrlRefused, (await Assert.ThrowsAsync<RefusedException>(() => server.FetchAsync())).Reason);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_name_that_leads_elsewhere_between_the_check_and_the_connection_is_refused()
    {
        // Looked up for the check it is public; what the connection looks up is this machine.
        using var transport = new UrlTransport(server.Rules);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://localhost:{Port}/a.img");
        var refused = await Assert.ThrowsAsync<RefusedException>(() => transport.SendAsync(request, ScriptedServer.Url("https://images.example.org/"), CancellationToken.None));
        Assert.Equal((Refusal.UrlRefused, "images.example.org"), (refused.Reason, Assert.Single(server.Lookups)));
        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:4700:4700::1111", true)]
    [InlineData("::ffff:93.184.216.34", true)]
    [InlineData("::ffff:192.168.0.1", false)]
    [InlineData("fe80::1%3", false)]
    [InlineData("2606:4700:4700::1111%3", false)]
    public void An_address_is_public_or_not(string address, bool isPublic) => Assert.Equal(isPublic, PublicAddresses.Contain(IPAddress.Parse(address)));

    [Theory]
    [InlineData("https://images.example.org/a.img", null)]
    [InlineData("https://93.184.216.34/a.img", null)]
    [InlineData("https://[2606:4700:4700::1111]/a.img", null)]
    [InlineData("http://images.example.org/a.img", "http is for the hosts of Import:AllowedHosts only, and images.example.org is none of them: use https")]
    [InlineData("file:///etc/passwd", "a template can be fetched from an https URL only")]
    [InlineData("ftp://images.example.org/a.img", "a template can be fetched from an https URL only")]
    [InlineData("gopher://127.0.0.1:6379/_x", "a template can be fetched from an https URL only")]
    [InlineData("unix:/run/docker.sock", "a template can be fetched from an https URL only")]
    public void A_scheme_is_taken_or_not(string url, string? message)
    {
        var refused = Record.Exception(() => server.Rules.Check(ScriptedServer.Url(url))) as RefusedException;
        Assert.Equal(message, refused?.Message);
    }

    [Fact]
    public void Nothing_is_fetched_unless_that_is_switched_on()
    {
        server.Options.Urls = false;
        var refused = Assert.Throws<RefusedException>(() => server.Rules.Check(ScriptedServer.Url("https://images.example.org/a.img")));
        Assert.Equal((Refusal.UrlRefused, "this daemon fetches nothing from URLs (Import:Urls)"), (refused.Reason, refused.Message));
    }

    [Theory]
    [InlineData("http://images.lan/a", true)]
    [InlineData("https://IMAGES.lan./a", true)]
    [InlineData("http://images.lan:8080/a", true)]
    [InlineData("http://a.images.lan/a", false)]
    [InlineData("http://10.0.0.5:8080/a", true)]
    [InlineData("http://0xA000005:8080/a", true)]
    [InlineData("http://10.0.0.5/a", false)]
    [InlineData("http://[fd00:0::5]/a", true)]
    [InlineData("http://[fd00::6]:81/a", true)]
    [InlineData("http://[fd00::6]/a", false)]
    [InlineData("http://0.0.0.0/a", false)]
    public void An_allowed_host_may_be_anywhere_and_without_TLS(string url, bool isAllowed)
    {
        server.Options.AllowedHosts = "images.lan, 10.0.0.5:8080 fd00::5,[fd00::6]:81, 0.0.0.0";
        Assert.True(new AllowedHosts(server.Options.AllowedHosts).AreWell);
        Assert.Equal(isAllowed, Record.Exception(() => server.Rules.Check(ScriptedServer.Url(url))) is null);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("a.b:65535", true)]
    [InlineData("[::1]", true)]
    [InlineData("[::1]:80", true)]
    [InlineData("*.example.org", false)]
    [InlineData("https://example.org", false)]
    [InlineData("example.org/x", false)]
    [InlineData("a@b", false)]
    [InlineData("a:0", false)]
    [InlineData("a:65536", false)]
    [InlineData("a:", false)]
    [InlineData("10.0.0.0/8", false)]
    public void A_list_of_hosts_is_well_or_not(string text, bool isWell) => Assert.Equal(isWell, new AllowedHosts(text).AreWell);

    private int Port => ((IPEndPoint)listener.LocalEndpoint).Port;
}
