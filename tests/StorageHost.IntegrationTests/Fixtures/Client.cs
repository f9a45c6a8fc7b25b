using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Speaks with one daemon as the controller does: JSON bodies without a Content-Type, unless a test says otherwise.</summary>
internal sealed class Client : IDisposable
{
    private readonly HttpClient http;
    private readonly Func<string> log;

    /// <param name="address">Where the daemon listens.</param>
    /// <param name="log">Gives the daemon's log.</param>
    /// <param name="shape">Says how to get there, where that takes more than the address.</param>
    public Client(Uri address, Func<string> log, Action<SocketsHttpHandler>? shape = null)
    {
        (Address, this.log) = (address, log);
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5), AllowAutoRedirect = false };
        shape?.Invoke(handler);
        http = new HttpClient(handler) { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };
    }

    public Uri Address { get; }

    /// <summary>With 2.0 all requests share one connection.</summary>
    public Version Version { get; init; } = HttpVersion.Version11;

    /// <summary>Uses a connection for one request only: then none is ever sent twice, which .NET may do when a kept connection breaks.</summary>
    public void ClosesConnections() => http.DefaultRequestHeaders.ConnectionClose = true;

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    /// <param name="body">What is sent as JSON.</param>
    /// <param name="async">Whether not to wait.</param>
    /// <param name="key">The name that the request has for whoever sends it again; null for none.</param>
    public Task<Answer> PostAsync(object body, bool async = false, string? key = null)
    {
        (string Name, string? Value)[] headers = [("Prefer", async ? "respond-async" : null), ("Idempotency-Key", key)];
        return SendAsync(HttpMethod.Post, "/", JsonSerializer.Serialize(body), headers: [.. from header in headers where header.Value is not null select (header.Name, header.Value)]);
    }

    public Task<Answer> DeleteAsync(object body) => SendAsync(HttpMethod.Delete, "/", JsonSerializer.Serialize(body));

    public async Task<Answer> SendAsync(
        HttpMethod method, string path, string? body = null, string? contentType = null, (string Name, string Value)[]? headers = null, CancellationToken gone = default)
    {
        using var content = body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (content is not null && contentType is not null)
        {
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        return await SendAsync(method, path, content, headers ?? [], gone);
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? content, (string Name, string Value)[] headers, CancellationToken gone)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content, Version = Version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        var clock = Stopwatch.StartNew();
        using var response = await http.SendAsync(request, gone);
        var text = await response.Content.ReadAsStringAsync(gone);
        return new Answer($"{method} {path}", (int)response.StatusCode, text, response.Content.Headers.ContentType?.MediaType, response.Headers.Location, clock.Elapsed, log);
    }

    /// <summary>Only the status of a GET; 0 when there is no answer.</summary>
    public async Task<int> StatusAsync(string path)
    {
        try
        {
            return (await GetAsync(path)).Status;
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    public void Dispose() => http.Dispose();
}
