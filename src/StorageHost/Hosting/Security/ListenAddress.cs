using System.Net;
using System.Net.Sockets;
using System.Text;

namespace StorageHost.Hosting.Security;

/// <summary>An address that the configuration has Kestrel listen on.</summary>
/// <param name="Key">The key that it stands under.</param>
/// <param name="Url">As it stands there.</param>
internal sealed record ListenAddress(string Key, string Url)
{
    /// <summary>What sun_path of struct sockaddr_un holds beside the zero at its end.</summary>
    private const int LongestSocketPath = 107;

    private const string Example = "http://127.0.0.1:33833";

    private readonly BindingAddress? parsed = Parse(Url);

    private bool IsEndpoint => Key.StartsWith("Kestrel:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether what is sent there is encrypted.</summary>
    public bool IsTls => string.Equals(parsed?.Scheme, "https", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether only this machine can reach it.</summary>
    public bool IsLocal => parsed is { } address
        && (address.IsUnixPipe
            || address.Host == "localhost"
            || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip)));

    /// <summary>Whether it stands for several addresses, of which one is enough.</summary>
    public bool IsOneOfSeveral => parsed is { IsUnixPipe: false } address && !IPAddress.TryParse(address.Host.Trim('[', ']'), out _);

    /// <summary>What Kestrel binds for it; nothing where it chooses a port itself.</summary>
    public IReadOnlyList<EndPoint> EndPoints => parsed switch
    {
        null or { IsUnixPipe: false, Port: 0 } => [],
        { IsUnixPipe: true } => [new UnixDomainSocketEndPoint(parsed.UnixPipePath)],
        { Host: "localhost" } => [new IPEndPoint(IPAddress.Loopback, parsed.Port), new IPEndPoint(IPAddress.IPv6Loopback, parsed.Port)],
        _ when IPAddress.TryParse(parsed.Host.Trim('[', ']'), out var ip) => [new IPEndPoint(ip, parsed.Port)],
        _ => [new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, parsed.Port)],
    };

    /// <summary>Those that Kestrel listens on: its endpoints, where there are any, come in the place of all others.</summary>
    public static IReadOnlyList<ListenAddress> Used(IConfiguration configuration) =>
        All(configuration) is var all && all.Any(address => address.IsEndpoint) ? [.. all.Where(address => address.IsEndpoint)] : all;

    /// <summary>Every address that is configured.</summary>
    public static IReadOnlyList<ListenAddress> All(IConfiguration configuration)
    {
        var endpoints = Endpoints(configuration).Select(endpoint => new ListenAddress($"{endpoint.Path}:Url", endpoint["Url"] ?? ""));
        ListenAddress[] given = [.. Split("Urls").Select(url => new ListenAddress("Urls", url)), .. endpoints];

        // Without any address Kestrel listens on these ports of every address.
        return given.Length > 0 ? given
            : [.. Split("HTTP_PORTS").Select(port => new ListenAddress("HTTP_PORTS", $"http://*:{port}")),
                .. Split("HTTPS_PORTS").Select(port => new ListenAddress("HTTPS_PORTS", $"https://*:{port}"))];

        string[] Split(string key) =>
            (configuration[key] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>
    /// Says which addresses others could reach unasked, and what Kestrel is told about TLS behind the back of
    /// <see cref="SecurityOptions"/>.
    /// </summary>
    public static IEnumerable<string> FindFaults(IConfiguration configuration, SecurityOptions security) =>
    [
        .. All(configuration) is [] && configuration["Urls"] is not null
            ? [$"Urls: names no address; the default is {Example}"] : Array.Empty<string>(),
        .. All(configuration).Select(address => address.FindFault(security)).OfType<string>(),
        .. Endpoints(configuration).SelectMany(endpoint => endpoint.GetChildren()).Append(configuration.GetSection("Kestrel:Certificates"))
            .Where(part => part.Exists() && part.Key is not ("Url" or "Protocols"))
            .Select(part => $"{part.Path}: is not used; Security:Certificate and Security:ClientCa hold for every https address"),
    ];

    private string? FindFault(SecurityOptions security) =>
        parsed is null || !IsOfHttp(parsed) ? $"{Key}: '{Url}' is not an address such as {Example}; several are separated by ';'"
        : !parsed.IsUnixPipe && parsed.PathBase.Length > 0 ? $"{Key}: '{Url}' must end behind its port, as in {Example}"
        : parsed.IsUnixPipe && Encoding.UTF8.GetByteCount(parsed.UnixPipePath) > LongestSocketPath
            ? $"{Key}: the path in {Url} is longer than the {LongestSocketPath} bytes of a Unix socket"
        : IsTls && security.Certificate.Length == 0 ? $"{Key}: {Url} needs Security:Certificate and Security:CertificateKey"
        : IsLocal || security.AllowAnonymous || security.TokensFile.Length > 0 || (IsTls && security.ClientCa.Length > 0) ? null
        : $"{Key}: {Url} can be reached by others, and nothing asks who they are; listen on a loopback address, "
            + "or set Security:TokensFile, or Security:ClientCa for https, or Security:AllowAnonymous to true";

    // Kestrel would end the program with the stack of an exception, after the storage was begun.
    private static bool IsOfHttp(BindingAddress address) =>
        address.Scheme.ToUpperInvariant() is "HTTP" or "HTTPS"
        && (address.IsUnixPipe
            || (address.Port is >= 0 and <= IPEndPoint.MaxPort && !address.Host.Contains(',', StringComparison.Ordinal)));

    private static IEnumerable<IConfigurationSection> Endpoints(IConfiguration configuration) =>
        configuration.GetSection("Kestrel:Endpoints").GetChildren();

    private static BindingAddress? Parse(string url)
    {
        try
        {
            return BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
