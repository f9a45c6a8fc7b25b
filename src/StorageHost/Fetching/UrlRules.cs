using System.Net;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Images.Templates;

namespace StorageHost.Fetching;

/// <summary>Looks up the addresses of a name, as <see cref="Dns.GetHostAddressesAsync(string, CancellationToken)"/> does.</summary>
internal delegate Task<IPAddress[]> NameLookup(string host, CancellationToken cancellationToken);

/// <summary>Which URLs may be fetched from: what they say themselves, and where their names lead.</summary>
internal sealed class UrlRules(NameLookup lookup, IOptions<ImportOptions> options)
{
    private const string Local = "localhost";

    /// <summary>Whether the host of a URL may have any address.</summary>
    public bool MayBeAnywhere(Uri url) => new AllowedHosts(options.Value.AllowedHosts).Contain(url);

    /// <summary>Refuses a URL that says itself that it must not be fetched from.</summary>
    /// <exception cref="RefusedException">UrlRefused.</exception>
    public void Check(SourceUrl url)
    {
        var address = url.Address;
        if (!options.Value.Urls)
        {
            throw Refused("this daemon fetches nothing from URLs (Import:Urls)");
        }

        if (address.Scheme is not ("https" or "http") || address.IdnHost.Length == 0)
        {
            throw Refused("a template can be fetched from an https URL only");
        }

        var literal = Literal(address);
        if (MayBeAnywhere(address) && !IPAddress.Any.Equals(literal) && !IPAddress.IPv6Any.Equals(literal))
        {
            return;
        }

        if (address.Scheme != "https")
        {
            throw Refused($"http is for the hosts of Import:AllowedHosts only, and {Name(address)} is none of them: use https");
        }

        if (literal is not null ? !PublicAddresses.Contain(literal) : IsLocal(address.IdnHost))
        {
            throw NotPublic(address);
        }
    }

    /// <summary>Refuses a URL whose name leads elsewhere than to the public network.</summary>
    /// <exception cref="RefusedException">UrlRefused; UrlFailed: the name is not known.</exception>
    public async Task CheckAddressesAsync(SourceUrl url, CancellationToken cancellationToken)
    {
        var address = url.Address;
        if (MayBeAnywhere(address) || Literal(address) is not null)
        {
            return;
        }

        // All of them: which one is connected to is nobody's to choose.
        var found = await lookup(address.IdnHost, cancellationToken);
        if (!Array.TrueForAll(found, PublicAddresses.Contain))
        {
            throw NotPublic(address);
        }
    }

    /// <summary>
    /// What a connection that the transport refused is told as. What the name led to is not told: it may be nobody's business.
    /// </summary>
    public static RefusedException NotPublic(Uri address) =>
        Refused($"{Name(address)} is not on the public network, nor one of the hosts of Import:AllowedHosts");

    private static RefusedException Refused(string why) => new(Refusal.UrlRefused, why);

    private static string Name(Uri address) => address.IdnHost;

    // A URL has turned decimal, octal and hexadecimal forms into the usual one by now, but for a name that ends in a dot.
    private static IPAddress? Literal(Uri address) => IPAddress.TryParse(address.IdnHost.TrimEnd('.'), out var literal) ? literal : null;

    private static bool IsLocal(string host)
    {
        var name = host.TrimEnd('.');
        return name.Equals(Local, StringComparison.OrdinalIgnoreCase) || name.EndsWith($".{Local}", StringComparison.OrdinalIgnoreCase);
    }
}
