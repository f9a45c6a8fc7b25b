using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace StorageHost.Cli.Connecting;

/// <summary>How the client shows who it is, and whom it trusts: paths of files, each null when there is none.</summary>
/// <param name="Ca">PEM file with the authorities that the server's certificate must come from; else those of the machine.</param>
/// <param name="Certificate">PEM file with the client's certificate.</param>
/// <param name="Key">PEM file with its private key; the same file when null.</param>
/// <param name="TokenFile">File with the bearer token.</param>
internal sealed record Credentials(string? Ca, string? Certificate, string? Key, string? TokenFile)
{
    public static Credentials None { get; } = new(null, null, null, null);

    /// <summary>These, and the others where these name nothing.</summary>
    public Credentials Over(Credentials others) => new(
        Ca ?? others.Ca, Certificate ?? others.Certificate, Certificate is null ? Key ?? others.Key : Key, TokenFile ?? others.TokenFile);

    /// <summary>The token; null when there is none.</summary>
    public string? ReadToken()
    {
        if (TokenFile is null)
        {
            return null;
        }

        var token = PrivateFile.Read(TokenFile).Trim();
        return token.Length > 0 && !token.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? token
            : throw new ClientException(ClientExit.Configuration, $"{TokenFile}: holds no token");
    }

    /// <summary>Whom to trust; null for those whom the machine trusts.</summary>
    public X509ChainPolicy? ReadTrust()
    {
        if (Ca is null)
        {
            return null;
        }

        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        Load(Ca, () => policy.CustomTrustStore.ImportFromPemFile(Ca));
        return policy.CustomTrustStore.Count > 0
            ? policy
            : throw new ClientException(ClientExit.Configuration, $"{Ca}: holds no certificate");
    }

    /// <summary>The client's certificate with its key; null when there is none.</summary>
    public X509Certificate2? ReadCertificate()
    {
        if (Certificate is null)
        {
            return null;
        }

        X509Certificate2? certificate = null;
        var key = Key ?? Certificate;
        _ = PrivateFile.Read(key);
        Load(key, () => certificate = X509Certificate2.CreateFromPemFile(Certificate, key));
        return certificate;
    }

    private static void Load(string path, Action load)
    {
        try
        {
            load();
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ClientException(ClientExit.Configuration, $"{path}: {fault.Message}");
        }
    }
}
