using Microsoft.Extensions.Configuration;
using StorageHost.Hosting.Security;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData("http://127.0.0.1:33833")]
    [InlineData("http://127.9.9.9:80")]
    [InlineData("http://localhost:80")]
    [InlineData("http://[::1]:80")]
    [InlineData("http://unix:/run/storagehost.sock")]
    [InlineData("http://127.0.0.1:1; http://[::1]:2")]
    [InlineData("HTTP://127.0.0.1:65535")]
    public void What_only_this_machine_reaches_needs_no_leave(string urls) => Assert.Empty(Faults(("Urls", urls)));

    [Theory]
    [InlineData("http://0.0.0.0:33833")]
    [InlineData("http://*:33833")]
    [InlineData("http://+:33833")]
    [InlineData("http://[::]:33833")]
    [InlineData("http://192.168.1.5:33833")]
    [InlineData("http://storage.example.org:33833")]
    [InlineData("http://localhost.example.org:33833")]
    [InlineData("http://127.0.0.1:1;http://0.0.0.0:2")]
    public void What_others_reach_is_refused_unless_everybody_may(string urls)
    {
        Assert.Contains("can be reached by others", Assert.Single(Faults(("Urls", urls))), StringComparison.Ordinal);
        Assert.Empty(Faults(new SecurityOptions { AllowAnonymous = true }, ("Urls", urls)));
        Assert.Empty(Faults(new SecurityOptions { TokensFile = "/x" }, ("Urls", urls)));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("127.0.0.1:80")]
    [InlineData("ftp://127.0.0.1:33833")]
    [InlineData("http://127.0.0.1:99999")]
    [InlineData("http://127.0.0.1:80,http://[::1]:80")]
    public void What_is_no_address_is_refused_in_any_case(string urls)
    {
        Assert.Contains("is not an address", Assert.Single(Faults(("Urls", urls))), StringComparison.Ordinal);
        Assert.Single(Faults(new SecurityOptions { AllowAnonymous = true }, ("Urls", urls)));
    }

    [Theory]
    [InlineData("", "Urls: names no address; the default is http://127.0.0.1:33833")]
    [InlineData(";", "Urls: names no address; the default is http://127.0.0.1:33833")]
    [InlineData("http://localhost:80/storage", "Urls: 'http://localhost:80/storage' must end behind its port, as in http://127.0.0.1:33833")]
    public void What_Kestrel_would_take_otherwise_or_not_at_all_is_refused(string urls, string told) => Assert.Equal(told, Assert.Single(Faults(("Urls", urls))));

    [Theory]
    [InlineData(107, 0)]
    [InlineData(108, 1)]
    public void The_path_of_a_Unix_socket_has_its_limit(int length, int faults) => Assert.Equal(faults, Faults(("Urls", $"http://unix:/{new string('x', length - 1)}")).Length);

    [Fact]
    public void Client_certificates_are_asked_for_on_https_only()
    {
        var security = new SecurityOptions { Certificate = "/c", CertificateKey = "/k", ClientCa = "/a", ClientsFile = "/l" };
        Assert.Empty(Faults(security, ("Urls", "https://0.0.0.0:443;http://127.0.0.1:80")));
        Assert.StartsWith("Urls: http://0.0.0.0:80 can be reached", Assert.Single(Faults(security, ("Urls", "https://0.0.0.0:443;http://0.0.0.0:80"))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_alone_asks_nobody_who_he_is() => Assert.Contains(
        "can be reached by others", Assert.Single(Faults(new SecurityOptions { Certificate = "/c", CertificateKey = "/k" }, ("Urls", "https://0.0.0.0:443"))), StringComparison.Ordinal);

    [Theory]
    [InlineData("https://127.0.0.1:443")]
    [InlineData("https://0.0.0.0:443")]
    [InlineData("HTTPS://127.0.0.1:443")]
    public void There_is_no_https_without_a_certificate(string url) =>
        Assert.Equal($"Urls: {url} needs Security:Certificate and Security:CertificateKey", Assert.Single(Faults(new SecurityOptions { AllowAnonymous = true }, ("Urls", url))));

    [Fact]
    public void Kestrels_own_endpoints_are_looked_at_as_well()
    {
        var faults = Faults(("Urls", "http://127.0.0.1:1"), ("Kestrel:Endpoints:Inner:Url", "http://127.0.0.1:2"), ("Kestrel:Endpoints:Outer:Url", "http://*:3"));
        Assert.StartsWith("Kestrel:Endpoints:Outer:Url: http://*:3 ", Assert.Single(faults), StringComparison.Ordinal);
        Assert.Single(Faults(("Kestrel:Endpoints:Empty:Protocols", "Http1")));
    }

    [Theory]
    [InlineData("Kestrel:Certificates:Default:Path", "Kestrel:Certificates")]
    [InlineData("Kestrel:Endpoints:A:Certificate:Path", "Kestrel:Endpoints:A:Certificate")]
    [InlineData("Kestrel:Endpoints:A:ClientCertificateMode", "Kestrel:Endpoints:A:ClientCertificateMode")]
    public void What_would_make_Kestrel_do_TLS_otherwise_is_refused(string key, string told) => Assert.StartsWith(
        $"{told}: is not used", Assert.Single(Faults(("Kestrel:Endpoints:A:Url", "http://127.0.0.1:1"), (key, "x"))), StringComparison.Ordinal);

    [Theory]
    [InlineData("HTTP_PORTS", "8080")]
    [InlineData("HTTPS_PORTS", "443;8443")]
    public void Ports_on_every_address_count_when_no_address_is_given(string key, string ports)
    {
        Assert.Equal(ports.Split(';').Length, Faults((key, ports)).Length);
        Assert.Empty(Faults(("Urls", "http://127.0.0.1:1"), (key, ports)));
    }

    private static string[] Faults(params (string Key, string Value)[] values) => Faults(new SecurityOptions(), values);

    private static string[] Faults(SecurityOptions security, params (string Key, string Value)[] values) => [.. ListenAddress.FindFaults(
        new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(value => value.Key, value => (string?)value.Value, StringComparer.Ordinal)).Build(), security)];
}
