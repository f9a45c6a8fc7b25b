using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace StorageHost.Hosting.Security;

/// <summary>The certificate that the daemon shows.</summary>
/// <param name="Certificate">It, with its private key.</param>
/// <param name="Context">It, with the authorities that are shown with it.</param>
internal sealed record ServerCertificate(X509Certificate2 Certificate, SslStreamCertificateContext Context)
{
    private const string Encrypted = "ENCRYPTED";

    /// <summary>Reads the texts of <see cref="SecurityOptions.Certificate"/> and <see cref="SecurityOptions.CertificateKey"/>.</summary>
    /// <param name="certificates">The certificate, then those of the authorities between it and a root.</param>
    /// <param name="key">Its private key.</param>
    /// <param name="faults">Takes what is wrong with the certificate.</param>
    /// <param name="keyFaults">Takes what is wrong with the key.</param>
    public static ServerCertificate? Read(string certificates, string key, ICollection<string> faults, ICollection<string> keyFaults)
    {
        var chain = new X509Certificate2Collection();
        if (TryUse(() => chain.ImportFromPem(certificates), out var fault) && chain.Count == 0)
        {
            fault = "there is no certificate in it";
        }

        if (fault is not null)
        {
            faults.Add(fault);
            return null;
        }

        ServerCertificate? read = null;
        if (!TryUse(() => read = With(X509Certificate2.CreateFromPem(certificates, key), chain), out var keyFault))
        {
            keyFaults.Add(
                key.Contains(Encrypted, StringComparison.Ordinal)
                    ? "the key is encrypted, and nobody is there to give the password"
                    : $"is not the key of Security:Certificate: {keyFault}");
        }

        return read;
    }

    private static ServerCertificate With(X509Certificate2 certificate, X509Certificate2Collection chain) =>
        new(certificate, SslStreamCertificateContext.Create(certificate, chain, offline: true));

    private static bool TryUse(Action use, out string? fault)
    {
        try
        {
            use();
            fault = null;
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            fault = failure.Message;
        }

        return fault is null;
    }
}
