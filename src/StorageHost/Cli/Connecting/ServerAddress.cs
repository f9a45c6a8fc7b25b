namespace StorageHost.Cli.Connecting;

/// <summary>Where a daemon listens.</summary>
/// <param name="Base">The address for HTTP; of a Unix socket a stand-in.</param>
/// <param name="Socket">The path of a Unix socket; else null.</param>
internal sealed record ServerAddress(Uri Base, string? Socket)
{
    private const string Unix = "unix:";
    private const string HttpUnix = "http://unix:";
    private const int Port = 33833;

    /// <summary>The daemon of this machine: its socket, where the package's example puts it, then its default address.</summary>
    public static IReadOnlyList<ServerAddress> Local { get; } =
        [OfSocket("/run/storagehost/api.sock"), new(new Uri($"http://127.0.0.1:{Port}"), null)];

    /// <summary>Reads addresses with commas in between.</summary>
    public static IReadOnlyList<ServerAddress> ParseAll(string text)
    {
        var addresses = new List<ServerAddress>();
        foreach (var each in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            addresses.Add(Parse(each) ?? throw new ClientException(
                ClientExit.Usage,
                $"'{each}' is no address of a server; write http://node1:{Port}, https://node1:{Port}, node1 or unix:/path"));
        }

        return addresses.Count > 0 ? addresses : throw new ClientException(ClientExit.Usage, "the address of the server is empty");
    }

    /// <summary>Reads one; null when it is none. A bare name or name:port is http, at the daemon's usual port.</summary>
    public static ServerAddress? Parse(string text)
    {
        foreach (var prefix in (ReadOnlySpan<string>)[HttpUnix, Unix])
        {
            if (text.StartsWith(prefix, StringComparison.Ordinal))
            {
                return text[prefix.Length..] is ['/', _, ..] path ? OfSocket(path) : null;
            }
        }

        var hasScheme = text.Contains("://", StringComparison.Ordinal);
        if (!Uri.TryCreate(hasScheme ? text : $"http://{text}", UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https") || address.UserInfo.Length > 0
            || address.PathAndQuery != "/" || address.Host is "")
        {
            return null;
        }

        return new(hasScheme || HasPort(text) ? address : new UriBuilder(address) { Port = Port }.Uri, null);
    }

    public override string ToString() => Socket is null ? Base.GetLeftPart(UriPartial.Authority) : Unix + Socket;

    private static ServerAddress OfSocket(string path) => new(new Uri("http://localhost"), path);

    // The colons of an IPv6 address stand between brackets.
    private static bool HasPort(string text) => text.LastIndexOf(':') > text.LastIndexOf(']');
}
