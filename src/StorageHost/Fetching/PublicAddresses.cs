using System.Net;
using System.Net.Sockets;
using Microsoft.Security.AntiSSRF;

namespace StorageHost.Fetching;

/// <summary>
/// Which addresses lie on the public network: those that Microsoft.Security.AntiSSRF does not name as loopback, link-local, private,
/// reserved and the like, and that are of no form which some system takes for such a one.
/// </summary>
internal static class PublicAddresses
{
    /// <summary>
    /// What the library lets through in its version 1.0.1: IPv4 in IPv6 as RFC 4291 and 2765 wrote it, and what is not in use.
    /// </summary>
    private static readonly string[] Besides = ["::/96", "::ffff:0:0:0/96", "4000::/2", "8000::/1"];

    private static readonly IPNetwork[] Denied = [.. IPAddressRanges.recommendedLatest.Concat(Besides).Select(IPNetwork.Parse)];

    /// <summary>Whether an address is public.</summary>
    public static bool Contain(IPAddress address)
    {
        // An address with a zone leads to a network of this machine.
        if (address is { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: not 0 })
        {
            return false;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return !Array.Exists(Denied, network => network.Contains(plain));
    }

    /// <summary>Connects to public addresses only: each time it looks the name up, checks what it finds, and connects to that.</summary>
    public static HttpMessageHandler Connect()
    {
        var policy = new AntiSSRFPolicy(PolicyConfigOptions.ExternalOnlyLatest);
        policy.AddDeniedAddresses(Besides);
        return Handler(policy);
    }

    /// <summary>The same to any address.</summary>
    public static HttpMessageHandler ConnectAnywhere() =>
        Handler(new AntiSSRFPolicy(PolicyConfigOptions.None) { AllowPlainTextHttp = true });

    // It takes no proxy of the environment, and unpacks nothing. A connection is used once: else it would not be checked the next time.
    private static AntiSSRFHandler Handler(AntiSSRFPolicy policy)
    {
        var handler = policy.GetHandler();
        handler.AllowAutoRedirect = false;
        handler.UseCookies = false;
        handler.PooledConnectionLifetime = TimeSpan.Zero;
        handler.ResponseDrainTimeout = TimeSpan.Zero;
        return handler;
    }
}
