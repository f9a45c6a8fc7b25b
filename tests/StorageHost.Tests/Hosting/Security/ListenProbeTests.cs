using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StorageHost.Hosting.Security;
using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class ListenProbeTests : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly Socket taken = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ListenProbeTests()
    {
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
    }

    private int Port => ((IPEndPoint)taken.LocalEndPoint!).Port;

    public void Dispose()
    {
        taken.Dispose();
        scratch.Dispose();
    }

    [Theory]
    [InlineData("http://127.0.0.1:<port>")]
    [InlineData("http://localhost:<port>")]
    [InlineData("http://0.0.0.0:<port>")]
    [InlineData("http://127.0.0.1:0;https://127.0.0.1:<port>")]
    public async Task A_port_that_is_taken_is_told_in_a_line(string urls)
    {
        var fault = await Assert.ThrowsAsync<IOException>(() => TryAsync(("Urls", urls.Replace("<port>", $"{Port}", StringComparison.Ordinal))));
        Assert.Matches($"^Urls: https?://[a-z0-9.]+:{Port} is taken: another program listens there$", fault.Message);
    }

    [Fact]
    public async Task An_address_of_another_machine_is_told_in_a_line() => Assert.StartsWith(
        "Urls: http://192.0.2.1:33899 cannot be listened on: ",
        (await Assert.ThrowsAsync<IOException>(() => TryAsync(("Urls", "http://192.0.2.1:33899")))).Message,
        StringComparison.Ordinal);

    [Fact]
    public async Task What_is_free_is_left_as_it_was()
    {
        await TryAsync(("Urls", $"http://127.0.0.1:0;http://unix:{scratch.File("socket")}"));
        Assert.False(File.Exists(scratch.File("socket")));
    }

    [Fact]
    public async Task Where_endpoints_are_named_no_other_address_is_listened_on()
    {
        await TryAsync(("Urls", $"http://127.0.0.1:{Port}"), ("Kestrel:Endpoints:a:Url", "http://127.0.0.1:0"));
        await Assert.ThrowsAsync<IOException>(() => TryAsync(("Urls", "http://127.0.0.1:0"), ("Kestrel:Endpoints:a:Url", $"http://127.0.0.1:{Port}")));
    }

    private static async Task TryAsync(params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value, StringComparer.Ordinal));
        builder.Services.AddSingleton(Options.Create(new SecurityOptions()));
        await using var app = builder.Build();
        ListenProbe.Try(app.Services);
    }
}
