using System.Net;

namespace StorageHost.Hosting;

/// <summary>The section <c>Security</c>: who may reach the daemon.</summary>
internal sealed class SecurityOptions
{
    /// <summary>Whether everybody who can reach a non-loopback address may do everything.</summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>Says which configured addresses others could reach, unless that is allowed.</summary>
    public IEnumerable<string> FindFaults(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => (Key: $"{endpoint.Path}:Url", Url: endpoint["Url"])).ToArray();
        var urls = Split("Urls").Select(url => (Key: "Urls", Url: (string?)url)).ToArray();

        // Without any address Kestrel listens on these ports of every address.
        string[] portKeys = urls.Length + endpoints.Length == 0 ? ["HTTP_PORTS", "HTTPS_PORTS"] : [];
        var ports = portKeys.SelectMany(key => Split(key).Select(port => (Key: key, Url: (string?)$"http://*:{port}")));
        return urls.Concat(endpoints).Concat(ports).Select(address => FindFault(address.Key, address.Url)).OfType<string>();

        string[] Split(string key) => (configuration[key] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    private string? FindFault(string key, string? url)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url ?? "");
        }
        catch (FormatException)
        {
            return $"{key}: '{url}' is not an address such as http://127.0.0.1:33833";
        }

        var isLocal = address.IsUnixPipe || address.Host == "localhost" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
        return isLocal || AllowAnonymous
            ? null
            : $"{key}: {url} can be reached by others, and nothing asks who they are; listen on a loopback address, or set Security:AllowAnonymous to true";
    }
}
