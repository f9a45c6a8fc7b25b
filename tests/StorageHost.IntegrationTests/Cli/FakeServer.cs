using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace StorageHost.IntegrationTests.Cli;

/// <summary>A server that reads what a client sends, and then does what no daemon should.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly ConcurrentBag<TcpClient> clients = [];
    private readonly Task serving;

    /// <param name="answer">What is answered, as it is on the wire; null for nothing, ever; empty for a connection that breaks off.</param>
    public FakeServer(string? answer)
    {
        listener.Start();
        serving = ServeAsync(answer);
    }

    public string Address => $"http://{listener.LocalEndpoint}";

    /// <summary>The requests that came.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>An answer that has this body.</summary>
    public static string Ok(string type, string body) => $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        await serving;
        listener.Dispose();
        foreach (var client in clients)
        {
            client.Dispose();
        }

        end.Dispose();
    }

    private async Task ServeAsync(string? answer)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(end.Token);
                clients.Add(client);
                var request = new byte[65536];
                var read = await client.GetStream().ReadAsync(request, end.Token);
                Requests.Enqueue(Encoding.UTF8.GetString(request, 0, read));
                if (answer is not null)
                {
                    await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(answer), end.Token);
                    client.Close();
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
