using System.Globalization;
using System.Net;

namespace StorageHost.Images.Templates;

/// <summary>The hosts of <c>Import:AllowedHosts</c>: those that may have any address, and be asked without TLS.</summary>
internal sealed class AllowedHosts
{
    private static readonly char[] Separators = [',', ' '];

    private readonly List<(string Host, int? Port)> entries = [];

    /// <summary>Reads the setting: names or addresses, each with a port if only that is meant, between commas or spaces.</summary>
    public AllowedHosts(string text)
    {
        foreach (var entry in text.Split(Separators, StringSplitOptions.RemoveEmptyEntries))
        {
            if (Parse(entry) is { } parsed)
            {
                entries.Add(parsed);
            }
            else
            {
                AreWell = false;
            }
        }
    }

    /// <summary>Whether each entry is a host.</summary>
    public bool AreWell { get; } = true;

    /// <summary>Whether the host of a URL is one of them.</summary>
    public bool Contain(Uri url) => entries.Exists(entry => entry.Host == Same(url.IdnHost) && (entry.Port ?? url.Port) == url.Port);

    private static (string Host, int? Port)? Parse(string entry)
    {
        // In brackets it is an address of a URL, which may have a port.
        if (!entry.StartsWith('[') && IPAddress.TryParse(entry, out var address))
        {
            return (Same(address.ToString()), null);
        }

        var colon = entry.EndsWith(']') ? -1 : entry.LastIndexOf(':');
        var (host, port) = colon < 0 ? (entry, null) : (entry[..colon], entry[(colon + 1)..]);
        int? number = null;
        if (port is not null)
        {
            if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) || parsed == 0)
            {
                return null;
            }

            number = parsed;
        }

        return host.Any(character => character is '/' or '@' or '*' or '?' or '#' or '%' or '\\')
            || !Uri.TryCreate($"http://{host}/", UriKind.Absolute, out var url) || url.IdnHost.Length == 0 || !url.IsDefaultPort
            ? null
            : (Same(url.IdnHost), number);
    }

    private static string Same(string host) => host.TrimEnd('.').ToLowerInvariant();
}
