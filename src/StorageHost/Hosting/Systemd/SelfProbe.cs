using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using StorageHost.Hosting.Security;

namespace StorageHost.Hosting.Systemd;

/// <summary>
/// Asks the daemon's own <c>/healthz</c> as a client would: a new connection to the address that it listens on, with TLS where that has it.
/// </summary>
internal sealed class SelfProbe(IServer server, SecurityFiles files) : IDisposable
{
    private HttpClient? client;

    /// <summary>Asks once.</summary>
    /// <returns>What was wrong; null when it was answered.</returns>
    public async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() is not { } url)
            {
                return "it does not listen yet";
            }

            client ??= Connect(url);
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

    public void Dispose() => client?.Dispose();

    /// <summary>Where a client on this machine reaches an address that Kestrel listens on.</summary>
    internal static EndPoint Reach(BindingAddress address) =>
        address.IsUnixPipe ? new UnixDomainSocketEndPoint(address.UnixPipePath)
        : !IPAddress.TryParse(address.Host, out var host) || host.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.Loopback, address.Port)
        : new IPEndPoint(host.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : host, address.Port);

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

    private static async ValueTask<Stream> OpenAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var unix = endPoint is UnixDomainSocketEndPoint;
        var socket = unix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
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
