using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moq;
using StorageHost.Hosting.Security;
using StorageHost.Hosting.Systemd;
using StorageHost.Tests.Hosting.Security;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting.Systemd;

public sealed class SelfProbeTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly SecurityFiles files;

    public SelfProbeTests()
    {
        using var authority = Pki.Authority("farm");
        using var certificate = Pki.Issue(authority, "CN=node1", dnsName: "node1.example.org");
        File.WriteAllText(scratch.File("cert"), certificate.ExportCertificatePem());
        File.WriteAllText(scratch.File("key"), certificate.KeyPem());
        files = new SecurityFiles(new SecurityOptions { Certificate = scratch.File("cert"), CertificateKey = scratch.File("key") });
        Assert.Empty(files.Open());
    }

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("http://[::]:0")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("http://unix:")]
    public async Task It_is_answered_over_whatever_the_daemon_listens_on(string url)
    {
        await using var app = await StartAsync(url, StatusCodes.Status200OK);
        using var probe = Probe(app);
        Assert.Null(await probe.AskAsync(CancellationToken.None));
        Assert.Null(await probe.AskAsync(CancellationToken.None));
    }

    /// <summary>As where IPv6 is switched off: Kestrel says that it listens on <c>[::]</c>, and one of the two loopback addresses does not answer.</summary>
    [Theory]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("http://[::1]:0")]
    public async Task Where_one_of_the_loopback_addresses_is_missing_the_other_is_asked(string url)
    {
        await using var app = await StartAsync(url, StatusCodes.Status200OK);
        using var probe = Probe($"http://[::]:{BindingAddress.Parse(app.Urls.Single()).Port}");
        Assert.Null(await probe.AskAsync(CancellationToken.None));
    }

    [Fact]
    public async Task An_address_that_does_not_answer_is_no_fault_while_another_one_does()
    {
        await using var app = await StartAsync("http://127.0.0.1:0", StatusCodes.Status200OK);
        using var hanging = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        hanging.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        hanging.Listen();
        using var probe = Probe("http://unix:/no/such/socket", $"http://{hanging.LocalEndPoint}", app.Urls.Single());
        Assert.Null(await probe.AskAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Any_other_answer_is_a_fault()
    {
        await using var app = await StartAsync("http://127.0.0.1:0", StatusCodes.Status503ServiceUnavailable);
        using var probe = Probe(app);
        Assert.Equal("/healthz said 503", await probe.AskAsync(CancellationToken.None));
    }

    [Fact]
    public async Task No_answer_is_a_fault()
    {
        var app = await StartAsync("http://127.0.0.1:0", StatusCodes.Status200OK);
        using var probe = Probe(app);
        Assert.Null(await probe.AskAsync(CancellationToken.None));
        Assert.Equal("/healthz gave no answer in time", await probe.AskAsync(new CancellationToken(canceled: true)));
        await app.DisposeAsync();
        Assert.Equal("Connection refused", await probe.AskAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Before_it_listens_there_is_nothing_to_ask()
    {
        await using var app = Build("http://127.0.0.1:0", StatusCodes.Status200OK);
        using var probe = Probe(app);
        Assert.Equal("it does not listen yet", await probe.AskAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Another_program_with_another_certificate_is_not_the_daemon()
    {
        await using var app = await StartAsync("https://127.0.0.1:0", StatusCodes.Status200OK);
        using var authority = Pki.Authority("other");
        using var other = Pki.Issue(authority, "CN=node1", dnsName: "node1.example.org");
        File.WriteAllText(scratch.File("cert"), other.ExportCertificatePem());
        File.WriteAllText(scratch.File("key"), other.KeyPem());
        var others = new SecurityFiles(new SecurityOptions { Certificate = scratch.File("cert"), CertificateKey = scratch.File("key") });
        Assert.Empty(others.Open());
        using var probe = new SelfProbe(app.Services.GetRequiredService<IServer>(), others);
        Assert.NotNull(await probe.AskAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("http://0.0.0.0:80", "127.0.0.1:80")]
    [InlineData("http://[::]:80", "127.0.0.1:80 [::1]:80")]
    [InlineData("http://*:80", "127.0.0.1:80 [::1]:80")]
    [InlineData("http://localhost:80", "127.0.0.1:80 [::1]:80")]
    [InlineData("http://10.1.2.3:80", "10.1.2.3:80")]
    [InlineData("https://[fd00::1]:443", "[fd00::1]:443")]
    [InlineData("http://unix:/run/storagehost/api.sock", "/run/storagehost/api.sock")]
    public void Every_address_can_be_reached_from_this_machine(string url, string endPoint) =>
        Assert.Equal(endPoint, string.Join(' ', SelfProbe.Reach(BindingAddress.Parse(url))));

    private SelfProbe Probe(params string[] urls)
    {
        var addresses = new Mock<IServerAddressesFeature>();
        addresses.Setup(feature => feature.Addresses).Returns(urls);
        var server = new Mock<IServer>();
        server.Setup(known => known.Features).Returns(new FeatureCollection());
        server.Object.Features.Set(addresses.Object);
        return new SelfProbe(server.Object, files);
    }

    private SelfProbe Probe(WebApplication app) => new(app.Services.GetRequiredService<IServer>(), files);

    private async Task<WebApplication> StartAsync(string url, int status)
    {
        var app = Build(url == "http://unix:" ? url + scratch.File("socket") : url, status);
        await app.StartAsync();
        return app;
    }

    private WebApplication Build(string url, int status)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = files.Certificate.Current!.Certificate));
        builder.WebHost.UseUrls(url);
        var app = builder.Build();
        app.MapGet("/healthz", () => Results.StatusCode(status));
        return app;
    }
}
