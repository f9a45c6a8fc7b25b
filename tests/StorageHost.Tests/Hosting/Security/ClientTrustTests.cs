using System.Security.Cryptography.X509Certificates;
using StorageHost.Hosting.Security;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class ClientTrustTests : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly X509Certificate2 root = Pki.Authority("root");
    private readonly X509Certificate2 other = Pki.Authority("other");

    public void Dispose()
    {
        root.Dispose();
        other.Dispose();
    }

    [Theory]
    [InlineData(null, 1, true)]
    [InlineData(Pki.ForClients, 1, true)]
    [InlineData(Pki.ForServers, 1, false)]
    [InlineData(null, -0.5, false)]
    public void A_certificate_is_judged_by_who_vouches_for_it_what_it_is_for_and_its_time(string? purpose, double days, bool isTrusted)
    {
        using var certificate = Pki.Issue(root, "CN=controller01", purpose: purpose, days: days);
        Assert.Equal(isTrusted, IsTrusted(certificate, [], root));
        Assert.False(IsTrusted(certificate, [], other));
        Assert.Equal(isTrusted, IsTrusted(certificate, [], other, root));
    }

    [Fact]
    public void An_authority_in_between_may_be_in_the_file_or_be_sent_along()
    {
        using var between = Pki.Authority("between", root);
        using var certificate = Pki.Issue(between, "CN=controller01");
        Assert.False(IsTrusted(certificate, [], root));
        Assert.True(IsTrusted(certificate, [between], root));
        Assert.True(IsTrusted(certificate, [], root, between));
        Assert.False(IsTrusted(certificate, [between], other));
    }

    [Fact]
    public void What_was_trusted_is_judged_again_when_the_authorities_or_the_time_have_changed()
    {
        using var certificate = Pki.Issue(root, "CN=controller01");
        var (before, after) = (Trust(root), Trust(other));
        var peer = new PeerCertificate(certificate, [], before);
        Assert.True(peer.IsTrusted(before, Now));
        Assert.False(peer.IsTrusted(after, Now));
        Assert.True(peer.IsTrusted(Trust(other, root), Now));
        Assert.True(peer.IsTrusted(before, Now.AddDays(0.9)));
        Assert.False(peer.IsTrusted(before, Now.AddDays(1.1)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing of the kind")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    public void A_file_without_a_root_is_a_fault(string text)
    {
        var faults = new List<string>();
        Assert.Null(ClientTrust.Read(text, faults));
        Assert.Single(faults);
    }

    [Fact]
    public void A_fault_is_that_of_the_certificate_or_that_of_the_key()
    {
        using var certificate = Pki.Issue(root, "CN=server");
        Assert.Equal((true, 0, 0), Read(certificate.ExportCertificatePem() + "\n" + root.ExportCertificatePem(), certificate.KeyPem()));
        Assert.Equal((false, 0, 1), Read(certificate.ExportCertificatePem(), other.KeyPem()));
        Assert.Equal((false, 0, 1), Read(certificate.ExportCertificatePem(), ""));
        Assert.Equal((false, 0, 1), Read(certificate.ExportCertificatePem(), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"));
        Assert.Equal((false, 1, 0), Read("", certificate.KeyPem()));
        Assert.Equal((false, 1, 0), Read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", certificate.KeyPem()));
        Assert.Equal((false, 1, 0), Read(certificate.KeyPem(), certificate.ExportCertificatePem()));

        static (bool IsRead, int Faults, int KeyFaults) Read(string certificates, string key)
        {
            var (faults, keyFaults) = (new List<string>(), new List<string>());
            return (ServerCertificate.Read(certificates, key, faults, keyFaults) is not null, faults.Count, keyFaults.Count);
        }
    }

    // No peer was trusted by this one, so each is judged.
    private static bool IsTrusted(X509Certificate2 certificate, X509Certificate2Collection sentAlong, params X509Certificate2[] authorities) =>
        new PeerCertificate(certificate, sentAlong, new ClientTrust([])).IsTrusted(Trust(authorities), Now.AddDays(-0.9));

    private static ClientTrust Trust(params X509Certificate2[] authorities)
    {
        var faults = new List<string>();
        var trust = ClientTrust.Read(string.Join('\n', authorities.Select(authority => authority.ExportCertificatePem())), faults);
        Assert.Empty(faults);
        return trust!;
    }
}
