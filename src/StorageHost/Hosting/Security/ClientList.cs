using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace StorageHost.Hosting.Security;

/// <summary>
/// Which clients may do what, one a line: <c>read,provision controller01.example.org</c>. A name is a DNS name or IP address that the
/// certificate has as an alternative name (SAN), or, where it has a = in it, the whole subject: <c>CN=controller01,O=Example</c>.
/// </summary>
internal sealed partial class ClientList(IReadOnlyList<Grant> entries)
{
    public static ClientList Empty { get; } = new([]);

    public static ClientList Read(string text, ICollection<string> faults) => new(Grant.ReadList(text, faults, Parse));

    /// <summary>What all lines that name the certificate grant together; nothing, under its subject, when none does.</summary>
    public Grant Find(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().ToList();
        string[] known =
        [
            certificate.SubjectName.Name,
            .. names.SelectMany(san => san.EnumerateDnsNames()),
            .. names.SelectMany(san => san.EnumerateIPAddresses()).Select(address => address.ToString()),
        ];
        var granted = entries.Where(entry => known.Contains(entry.Name, StringComparer.OrdinalIgnoreCase)).ToList();
        return granted is [var first, ..]
            ? first with { Scopes = [.. granted.SelectMany(entry => entry.Scopes).Distinct(StringComparer.Ordinal)] }
            : new Grant(certificate.SubjectName.Name, []);
    }

    private static (Grant? Entry, string? Fault) Parse(string[] scopes, string name)
    {
        try
        {
            return name.Contains('=', StringComparison.Ordinal) ? (new Grant(AsRead(new X500DistinguishedName(name)), scopes), null)
                : IPAddress.TryParse(name, out var address) ? (new Grant(address.ToString(), scopes), null)
                : DnsName().IsMatch(name) ? (new Grant(name, scopes), null)
                : (null, "must name a client by its DNS name, IP address or whole subject (CN=…)");
        }
        catch (CryptographicException)
        {
            return (null, "is not a subject such as CN=controller01,O=Example");
        }
    }

    /// <summary>With the spaces and letter case of a subject that was read from a certificate, whoever has written it here.</summary>
    private static string AsRead(X500DistinguishedName subject) => new X500DistinguishedName(subject.RawData).Name;

    [GeneratedRegex(@"^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex DnsName();
}
