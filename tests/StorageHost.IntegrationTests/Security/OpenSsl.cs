using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Security;

/// <summary>Certificates as an operator makes them, each as <c>name.pem</c> and <c>name.key</c> in a directory.</summary>
internal sealed class OpenSsl(string directory)
{
    private static readonly string[] NewKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

    public string Pem(string name) => Path.Combine(directory, $"{name}.pem");

    public string Key(string name) => Path.Combine(directory, $"{name}.key");

    public X509Certificate2 Load(string name) => X509Certificate2.CreateFromPemFile(Pem(name), Key(name));

    public Task AuthorityAsync(string name) =>
        Shell.RunAsync(["openssl", "req", "-x509", .. NewKey, "-keyout", Key(name), "-out", Pem(name), "-days", "30", "-subj", $"/CN={name}"]);

    /// <summary>Makes one with the subject <c>CN=name,O=Example</c>; with a negative number of days it has expired.</summary>
    public async Task IssueAsync(string authority, string name, string alternativeName, int days = 10, string? purpose = null)
    {
        var request = Path.Combine(directory, $"{name}.csr");
        string[] extensions = ["-addext", $"subjectAltName={alternativeName}", .. purpose is null ? Array.Empty<string>() : ["-addext", $"extendedKeyUsage={purpose}"]];
        await Shell.RunAsync(["openssl", "req", .. NewKey, "-keyout", Key(name), "-out", request, "-subj", $"/O=Example/CN={name}", .. extensions]);
        await Shell.RunAsync(
            "openssl", "x509", "-req", "-in", request, "-CA", Pem(authority), "-CAkey", Key(authority), "-out", Pem(name),
            "-days", days.ToString(CultureInfo.InvariantCulture), "-copy_extensions", "copy");
    }
}
