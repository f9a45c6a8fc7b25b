using StorageHost.Hosting.Security;
using StorageHost.Hosting.Telemetry;
using StorageHost.Tests.Hosting.Security;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Telemetry;

public sealed class CertificateGaugesTests : IDisposable
{
    private const string Name = "storagehost.certificate.expiry_timestamp";

    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Both_certificates_tell_when_they_expire()
    {
        using var authority = Pki.Authority("farm");
        using var server = Pki.Issue(authority, "CN=node1", dnsName: "localhost", days: 1);
        File.WriteAllText(scratch.File("server.pem"), server.ExportCertificatePem());
        File.WriteAllText(scratch.File("server.key"), server.KeyPem());
        File.WriteAllText(scratch.File("ca.pem"), authority.ExportCertificatePem());
        var files = new SecurityFiles(new SecurityOptions
        {
            Certificate = scratch.File("server.pem"), CertificateKey = scratch.File("server.key"), ClientCa = scratch.File("ca.pem"),
        });
        Assert.Empty(files.Open());
        using var meters = new TestMeters();
        _ = new CertificateGauges(meters, files);
        var measured = meters.Measured;
        Assert.Equal(2, measured.Count);
        Assert.Equal((Seconds(server.NotAfter), 1), measured[$"{Name}{{certificate=server}}"]);
        Assert.Equal((Seconds(authority.NotAfter), 1), measured[$"{Name}{{certificate=client_ca}}"]);
        Assert.Equal("storagehost_certificate_expiry_timestamp_seconds", MetricName.Of(Name, "s").Family);
    }

    [Fact]
    public void Without_https_there_is_nothing_to_tell()
    {
        using var meters = new TestMeters();
        _ = new CertificateGauges(meters, new SecurityFiles(new SecurityOptions()));
        Assert.Empty(meters.Measured);
    }

    private static double Seconds(DateTime time) => (time.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
}
