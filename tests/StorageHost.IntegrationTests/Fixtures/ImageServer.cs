using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A small web server of one image, which does what it should not when it is told to.</summary>
internal sealed class ImageServer : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource over = new();
    private readonly byte[] content;
    private readonly Task accepting;

    public ImageServer(string file, params int[] breaksAfter)
        : this(IPAddress.Loopback, file, breaksAfter)
    {
    }

    private ImageServer(IPAddress address, string file, int[] breaksAfter)
    {
        listener = new TcpListener(address, 0);
        BreaksAfter = new ConcurrentQueue<int>(breaksAfter);
        content = File.ReadAllBytes(file);
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>One at the address by which a place reaches this machine.</summary>
    public static ImageServer For(Place place, string file)
    {
        using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(IPAddress.Parse(place.Address), 9);
        return new ImageServer(((IPEndPoint)socket.LocalEndPoint!).Address.MapToIPv4(), file, []);
    }

    /// <summary>The address and port that it listens at.</summary>
    public string Host => listener.LocalEndpoint.ToString()!;

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string Url => $"http://{Host}/image?token=hush";

    /// <summary>How many bytes each of the next answers sends before its connection is closed; whole ones follow.</summary>
    public ConcurrentQueue<int> BreaksAfter { get; }

    /// <summary>Whether an answer that would break off falls silent instead.</summary>
    public bool FallsSilent { get; set; }

    public string ETag { get; set; } = "\"one\"";

    public string ContentType { get; set; } = "application/octet-stream";

    /// <summary>How long it says that the image is; null for as long as it is.</summary>
    public int? SaysLength { get; set; }

    /// <summary>Whether it sends chunks and no length.</summary>
    public bool SendsChunks { get; set; }

    /// <summary>Where it redirects to; null when nowhere.</summary>
    public string? RedirectsTo { get; set; }

    /// <summary>How many bytes it sends in a second at most; 0 for no limit.</summary>
    public int Rate { get; set; }

    /// <summary>The head of each request.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        listener.Dispose();
        await accepting;
        over.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await listener.AcceptTcpClientAsync(over.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await AnswerAsync(client.GetStream());
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // Whoever asked has left, or the test is over.
            }
        }
    }

    private async Task AnswerAsync(NetworkStream stream)
    {
        var head = await ReadHeadAsync(stream);
        Requests.Enqueue(head);
        var from = Field(head, "If-Range: ") is { } condition && condition == ETag && Field(head, "Range: bytes=") is { } range
            ? int.Parse(range.TrimEnd('-'), CultureInfo.InvariantCulture)
            : 0;
        var answer = new StringBuilder();
        answer.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {(RedirectsTo is not null ? "302 Found" : from > 0 ? "206 Partial Content" : "200 OK")}\r\n");
        answer.Append(CultureInfo.InvariantCulture, $"Content-Type: {ContentType}\r\nETag: {ETag}\r\n");
        if (RedirectsTo is not null)
        {
            answer.Append(CultureInfo.InvariantCulture, $"Location: {RedirectsTo}\r\nContent-Length: 0\r\n");
        }
        else
        {
            answer.Append(SendsChunks
                ? "Transfer-Encoding: chunked\r\n"
                : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {(SaysLength ?? content.Length) - from}\r\n"));
        }

        if (from > 0)
        {
            answer.Append(CultureInfo.InvariantCulture, $"Content-Range: bytes {from}-{content.Length - 1}/{content.Length}\r\n");
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{answer}\r\n"), over.Token);
        if (RedirectsTo is null)
        {
            await SendAsync(stream, from);
        }
    }

    private async Task SendAsync(NetworkStream stream, int from)
    {
        var breaks = BreaksAfter.TryDequeue(out var after);
        var end = breaks ? Math.Min(content.Length, from + after) : content.Length;
        while (from < end)
        {
            var piece = Math.Min(end - from, 1 << 18);
            if (SendsChunks)
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{piece:x}\r\n")), over.Token);
            }

            await stream.WriteAsync(content.AsMemory(from, piece), over.Token);
            if (SendsChunks)
            {
                await stream.WriteAsync("\r\n"u8.ToArray(), over.Token);
            }

            from += piece;
            if (Rate > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(piece / (double)Rate), over.Token);
            }
        }

        if (breaks && FallsSilent)
        {
            await Task.Delay(Timeout.Infinite, over.Token);
        }

        if (!breaks && SendsChunks)
        {
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), over.Token);
        }
    }

    private async Task<string> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, over.Token) == 1)
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    private static string? Field(string head, string name) => head.Split("\r\n")
        .FirstOrDefault(line => line.StartsWith(name, StringComparison.OrdinalIgnoreCase))?[name.Length..];
}
