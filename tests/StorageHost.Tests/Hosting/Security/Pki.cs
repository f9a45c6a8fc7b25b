using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace StorageHost.Tests.Hosting.Security;

/// <summary>Certificates of one test.</summary>
internal static class Pki
{
    public const string ForClients = "1.3.6.1.5.5.7.3.2";
    public const string ForServers = "1.3.6.1.5.5.7.3.1";

    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    public static X509Certificate2 Authority(string name, X509Certificate2? issuer = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return issuer is null ? request.CreateSelfSigned(Now.AddDays(-2), Now.AddDays(2))
            : request.Create(issuer, Now.AddDays(-2), Now.AddDays(1.5), RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
    }

    public static X509Certificate2 Issue(
        X509Certificate2 issuer, string subject, string? dnsName = null, IPAddress? address = null, string? purpose = null, double days = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (dnsName is not null)
        {
            names.AddDnsName(dnsName);
        }

        if (address is not null)
        {
            names.AddIpAddress(address);
        }

        if (dnsName is not null || address is not null)
        {
            request.CertificateExtensions.Add(names.Build());
        }

        if (purpose is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        }

        return request.Create(issuer, Now.AddDays(-1), Now.AddDays(days), RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
    }

    public static string KeyPem(this X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
}
