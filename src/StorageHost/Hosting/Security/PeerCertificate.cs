using System.Security.Cryptography.X509Certificates;

namespace StorageHost.Hosting.Security;

/// <summary>
/// The certificate that the client of a connection has shown, with what it sent along. A connection may stay for days, and what it was
/// trusted by may change meanwhile: so it is judged again then.
/// </summary>
internal sealed class PeerCertificate(X509Certificate2 certificate, X509Certificate2Collection sentAlong, ClientTrust trustedBy)
{
    private ClientTrust trustedBy = trustedBy;

    public X509Certificate2 Certificate => certificate;

    /// <summary>Whether it is trusted at this time.</summary>
    public bool IsTrusted(ClientTrust trust, DateTimeOffset now) =>
        now.UtcDateTime < certificate.NotAfter.ToUniversalTime() && (ReferenceEquals(trust, trustedBy) || IsTrustedAnew(trust));

    private bool IsTrustedAnew(ClientTrust trust)
    {
        using var chain = new X509Chain { ChainPolicy = trust.NewPolicy() };
        chain.ChainPolicy.ExtraStore.AddRange(sentAlong);
        if (!chain.Build(certificate))
        {
            return false;
        }

        trustedBy = trust;
        return true;
    }
}
