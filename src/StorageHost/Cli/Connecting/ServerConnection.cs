using System.Net.Http.Headers;
using System.Net.Sockets;

namespace StorageHost.Cli.Connecting;

/// <summary>Speaks with one server. No connection is used twice: a request on a kept one might be sent twice when it breaks.</summary>
internal sealed class ServerConnection : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly HttpClient http;

    public ServerConnection(ServerAddress address, Credentials credentials)
    {
        Address = address;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = TimeSpan.Zero,
        };
        if (address.Socket is { } path)
        {
            handler.ConnectCallback = (_, cancellationToken) => ConnectAsync(path, cancellationToken);
        }
        else if (address.Base.Scheme == "https")
        {
            Secure(handler, credentials);
        }

        http = new HttpClient(handler) { BaseAddress = address.Base, Timeout = Timeout.InfiniteTimeSpan };
        if (credentials.ReadToken() is { } token)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    public ServerAddress Address { get; }

    /// <summary>
    /// Sends a request and reads the whole answer. It blocks: nothing else is to be done meanwhile, and what .NET compiles for an
    /// asynchronous one would take a third of a command's time.
    /// </summary>
    public Answer Send(ClientRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(request.Method, request.Path);
        if (request.Body is { } body)
        {
            message.Content = new StringContent(body, null, "application/json");
        }

        if (request.Key is { } key)
        {
            message.Headers.Add("Idempotency-Key", key);
        }

        if (request.IsAsync)
        {
            message.Headers.Add("Prefer", "respond-async");
        }

        using var response = http.Send(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        using var content = response.Content.ReadAsStream(cancellationToken);
        using var buffer = new MemoryStream();
        content.CopyTo(buffer);
        return new Answer((int)response.StatusCode, buffer.ToArray(), this);
    }

    /// <summary>Sends any request, and reads the whole answer.</summary>
    public async Task<Answer> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellationToken), this);
    }

    /// <summary>Opens an answer that never ends; the caller disposes of it.</summary>
    public Task<HttpResponseMessage> OpenAsync(string path, CancellationToken cancellationToken) =>
        http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    public void Dispose() => http.Dispose();

    private static void Secure(SocketsHttpHandler handler, Credentials credentials)
    {
        handler.SslOptions.CertificateChainPolicy = credentials.ReadTrust();
        if (credentials.ReadCertificate() is { } certificate)
        {
            handler.SslOptions.ClientCertificates = [certificate];
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        }
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
