using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace StorageHost.Hosting.Security;

/// <summary>Whose client certificates are trusted: those of these authorities, and no others that the machine may trust.</summary>
internal sealed class ClientTrust(X509Certificate2Collection authorities)
{
    /// <summary>id-kp-clientAuth of RFC 5280: a certificate that is for servers only is none of a client.</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2Collection roots = [.. authorities.Where(IsRoot)];
    private readonly X509Certificate2Collection others = [.. authorities.Where(authority => !IsRoot(authority))];

    /// <summary>Reads the text of <see cref="SecurityOptions.ClientCa"/>.</summary>
    public static ClientTrust? Read(string certificates, ICollection<string> faults)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(certificates);
        }
        catch (CryptographicException fault)
        {
            faults.Add($"the certificates cannot be used: {fault.Message}");
            return null;
        }

        if (!authorities.Any(IsRoot))
        {
            faults.Add("there is no root (self-signed) certificate in it");
            return null;
        }

        return new ClientTrust(authorities);
    }

    /// <summary>When the first of the authorities is no longer valid.</summary>
    public DateTime Expires => authorities.Min(authority => authority.NotAfter).ToUniversalTime();

    /// <summary>
    /// How a certificate is judged, in the handshake and after it. Revocation is not asked about: who is out is taken off the list.
    /// </summary>
    public X509ChainPolicy NewPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(roots);
        policy.ExtraStore.AddRange(others);
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return policy;
    }

    private static bool IsRoot(X509Certificate2 authority) =>
        authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData);
}
