using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using StorageHost.Hosting.Security;

namespace StorageHost.Hosting.Systemd;

/// <summary>
/// Asks the daemon's own <c>/healthz</c> as a client would: a new connection to each address that it listens on, with TLS where that has
/// it. One answer is enough: an address may have left this machine while the daemon serves all others.
/// </summary>
internal sealed class SelfProbe(IServer server, SecurityFiles files) : IDisposable
{
    private IReadOnlyList<HttpClient> clients = [];

    /// <summary>Asks once.</summary>
    /// <returns>What was wrong; null when it was answered.</returns>
    public async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        if (clients.Count == 0)
        {
            clients = [.. (server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []).Select(Connect)];
        }

        using var answered = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asked = clients.Select(client => AskAsync(client, answered.Token)).ToList();
        var faults = new List<string>();
        while (asked.Count > 0)
        {
            var first = await Task.WhenAny(asked);
            asked.Remove(first);
            if (await first is not { } fault)
            {
                await answered.CancelAsync();
                return null;
            }

            faults.Add(fault);
        }

        return faults.Count == 0 ? "it does not listen yet" : string.Join("; ", faults.Distinct(StringComparer.Ordinal));
    }

    public void Dispose()
    {
        foreach (var client in clients)
        {
            client.Dispose();
        }
    }

    /// <summary>
    /// Where a client on this machine may reach an address that Kestrel listens on, the likeliest first. Where IPv6 is switched off,
    /// Kestrel listens on <c>[::]</c> all the same, and is reached by IPv4 alone.
    /// </summary>
    internal static IReadOnlyList<EndPoint> Reach(BindingAddress address)
    {
        if (address.IsUnixPipe)
        {
            return [new UnixDomainSocketEndPoint(address.UnixPipePath)];
        }

        var host = IPAddress.TryParse(address.Host, out var parsed) ? parsed : null;
        IPAddress[] hosts = host is null || host.Equals(IPAddress.IPv6Any) ? [IPAddress.Loopback, IPAddress.IPv6Loopback]
            : host.Equals(IPAddress.Any) ? [IPAddress.Loopback]
            : [host];
        return [.. hosts.Select(each => new IPEndPoint(each, address.Port))];
    }

    private static async Task<string?> AskAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync("/healthz", cancellationToken);
            return answer.IsSuccessStatusCode ? null : $"/healthz said {(int)answer.StatusCode}";
        }
        catch (OperationCanceledException)
        {
            return "/healthz gave no answer in time";
        }
        catch (HttpRequestException fault)
        {
            return fault.GetBaseException().Message;
        }
    }

    private HttpClient Connect(string url)
    {
        var address = BindingAddress.Parse(url);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = (_, cancellationToken) => OpenAsync(Reach(address), cancellationToken),
        };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => IsOurs(shown);
        return new HttpClient(handler) { BaseAddress = new Uri($"{address.Scheme}://localhost") };
    }

    /// <summary>Who vouches for it, and for which name, does not matter here: it must be the one that the daemon shows.</summary>
    private bool IsOurs(X509Certificate? shown) => shown is not null && shown.Equals(files.Certificate.Current?.Certificate);

    private static async ValueTask<Stream> OpenAsync(IReadOnlyList<EndPoint> endPoints, CancellationToken cancellationToken)
    {
        foreach (var likely in endPoints.SkipLast(1))
        {
            try
            {
                return await OpenAsync(likely, cancellationToken);
            }
            catch (SocketException)
            {
                // The next one says what is wrong, or answers.
            }
        }

        return await OpenAsync(endPoints[^1], cancellationToken);
    }

    private static async ValueTask<Stream> OpenAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var unix = endPoint is UnixDomainSocketEndPoint;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
