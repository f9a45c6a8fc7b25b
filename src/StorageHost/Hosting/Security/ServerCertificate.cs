using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace StorageHost.Hosting.Security;

/// <summary>The certificate that the daemon shows.</summary>
/// <param name="Certificate">It, with its private key.</param>
/// <param name="Context">It, with the authorities that are shown with it.</param>
internal sealed record ServerCertificate(X509Certificate2 Certificate, SslStreamCertificateContext Context)
{
    /// <summary>Reads the texts of <see cref="SecurityOptions.Certificate"/> and <see cref="SecurityOptions.CertificateKey"/>.</summary>
    public static ServerCertificate? Read(string certificates, string key, ICollection<string> faults)
    {
        try
        {
            var certificate = X509Certificate2.CreateFromPem(certificates, key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificates);
            return new ServerCertificate(certificate, SslStreamCertificateContext.Create(certificate, chain, offline: true));
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            faults.Add($"the certificate, or the key that should be its own, cannot be used: {fault.Message}");
            return null;
        }
    }
}
