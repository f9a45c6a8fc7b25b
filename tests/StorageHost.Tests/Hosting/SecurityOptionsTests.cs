using Microsoft.Extensions.Configuration;
using StorageHost.Hosting;
using Xunit;

namespace StorageHost.Tests.Hosting;

public sealed class SecurityOptionsTests
{
    [Theory]
    [InlineData("http://127.0.0.1:33833")]
    [InlineData("http://127.9.9.9:80")]
    [InlineData("http://localhost:80")]
    [InlineData("https://[::1]:443")]
    [InlineData("http://unix:/run/storagehost.sock")]
    [InlineData("http://127.0.0.1:1; http://[::1]:2")]
    [InlineData("")]
    public void What_only_this_machine_reaches_needs_no_leave(string urls) => Assert.Empty(Faults(("Urls", urls)));

    [Theory]
    [InlineData("http://0.0.0.0:33833")]
    [InlineData("http://*:33833")]
    [InlineData("http://+:33833")]
    [InlineData("http://[::]:33833")]
    [InlineData("http://192.168.1.5:33833")]
    [InlineData("http://storage.example.org:33833")]
    [InlineData("http://localhost.example.org:33833")]
    [InlineData("https://0.0.0.0:443")]
    [InlineData("http://127.0.0.1:1;http://0.0.0.0:2")]
    public void What_others_reach_is_refused_unless_everybody_may(string urls)
    {
        Assert.Contains("can be reached by others", Assert.Single(Faults(("Urls", urls))), StringComparison.Ordinal);
        Assert.Empty(new SecurityOptions { AllowAnonymous = true }.FindFaults(Configuration(("Urls", urls))));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("127.0.0.1:80")]
    public void What_is_no_address_is_refused_in_any_case(string urls)
    {
        Assert.Contains("is not an address", Assert.Single(Faults(("Urls", urls))), StringComparison.Ordinal);
        Assert.Single(new SecurityOptions { AllowAnonymous = true }.FindFaults(Configuration(("Urls", urls))));
    }

    [Fact]
    public void Kestrels_own_endpoints_are_looked_at_as_well()
    {
        var faults = Faults(("Urls", "http://127.0.0.1:1"), ("Kestrel:Endpoints:Inner:Url", "http://127.0.0.1:2"), ("Kestrel:Endpoints:Outer:Url", "https://*:3"));
        Assert.StartsWith("Kestrel:Endpoints:Outer:Url: https://*:3 ", Assert.Single(faults), StringComparison.Ordinal);
        Assert.Single(Faults(("Kestrel:Endpoints:Empty:Certificate:Path", "x")));
    }

    [Theory]
    [InlineData("HTTP_PORTS", "8080")]
    [InlineData("HTTPS_PORTS", "443;8443")]
    public void Ports_on_every_address_count_when_no_address_is_given(string key, string ports)
    {
        Assert.Equal(ports.Split(';').Length, Faults((key, ports)).Length);
        Assert.Empty(Faults(("Urls", "http://127.0.0.1:1"), (key, ports)));
    }

    private static string[] Faults(params (string Key, string Value)[] values) => [.. new SecurityOptions().FindFaults(Configuration(values))];

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(value => value.Key, value => (string?)value.Value, StringComparer.Ordinal)).Build();
}
