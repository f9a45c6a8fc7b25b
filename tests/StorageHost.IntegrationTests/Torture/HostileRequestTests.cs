using System.Globalization;
using System.Net.Sockets;
using System.Text;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>Requests that nobody with good intentions sends: refused, without effect, and at nobody else's cost.</summary>
[Collection(LabTests.Name)]
public sealed class HostileRequestTests(ServedArea served, ITestOutputHelper output) : IClassFixture<ServedArea>, IAsyncLifetime
{
    private const int Idle = 2000;
    private const int Slow = 100;
    private const int Pipelined = 50;
    private const long MostMemory = 200_000_000;

    private static readonly string[] Pieces =
    [
        "..", "/", "\\", ".", "~", "*", "?", "[a-z]", "{a,b}", "$(reboot)", "`id`", ";", "|", "&", "%2e%2e%2f", "%00", "\0", "\n", "\r\n", "\t", "\u001b[31m", "\u007f", " ", "-rf", "--",
        "web01", "centos", "_template.img", ".qcow2", "_dup_1_ready", "_storage_1G", ".storagehost", "\u202e", "\u200b", "\ufeff", "а", "ｗ", "é", "e\u0301", "İ", "ß", "\U0001f4a9", "%s", "%n", "{0}",
    ];

    private StorageArea Area => served.Area;

    private Daemon Daemon => served.Daemon;

    public async Task InitializeAsync()
    {
        if (Area is not null && !Area.Oracle.Has("web01.qcow2"))
        {
            (await Daemon.Client.SetImageAsync("centos", "web01")).Is(200);
            Area.Oracle.Disk("web01", "centos");
        }
    }

    // Whatever was sent has changed nothing, and the daemon is as well as before.
    public async Task DisposeAsync()
    {
        if (Area is not null)
        {
            (await Daemon.Client.GetAsync("/readyz")).Is(200);
            Assert.Equal(["centos"], await Daemon.Client.ImagesAsync(), StringComparer.Ordinal);
            await Area.Oracle.CheckAsync();
            Assert.True(Daemon.PeakRss < MostMemory, $"peak RSS was {Daemon.PeakRss / 1_000_000} MB");
        }
    }

    [DaemonFact]
    public async Task Names_that_lead_elsewhere_or_look_like_others_are_refused()
    {
        var random = TortureSettings.Begin(output, nameof(Names_that_lead_elsewhere_or_look_like_others_are_refused));
        for (var number = 0; number < TortureSettings.Count(2000, 10_000); number++)
        {
            // One piece at least makes it no name, whatever the others are.
            var name = string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => Pieces[random.Next(Pieces.Length)]).Append(Pieces[random.Next(20)]).Order(StringComparer.Ordinal));
            if (name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-') && char.IsAsciiLetterOrDigit(name[0]))
            {
                continue;
            }

            var answer = (number % 6) switch
            {
                0 => await Daemon.Client.SetImageAsync("centos", name),
                1 => await Daemon.Client.SetImageAsync(name, "web02"),
                2 => await Daemon.Client.AddStorageAsync(name, 1),
                3 => await Daemon.Client.DeleteHostAsync(name, purge: true),
                4 => await Daemon.Client.DeleteImageAsync(name),
                _ => await Daemon.Client.DupAsync(name, 1),
            };
            answer.Refuses(400, "invalid_payload");
            Assert.DoesNotContain(answer.Json.GetProperty("message").GetString()!, char.IsControl);
        }
    }

    public static TheoryData<string, string> Bodies => new()
    {
        { "deep", new string('[', 30_000) },
        { "deep objects", string.Concat(Enumerable.Repeat("{\"a\":", 10_000)) },
        { "deep in a member", $$"""{"action":"host","target":"web01","x":{{new string('[', 20_000)}}{{new string(']', 20_000)}}}""" },
        { "many members", $$"""{"action":"host",{{string.Join(',', Enumerable.Range(0, 5000).Select(number => $"\"m{number}\":1"))}}""" },
        { "twice the same member", """{"action":"host","target":"web02","target":"web01"}""" },
        { "twice in different case", """{"action":"host","target":"web02","Target":"web01"}""" },
        { "a number too large", """{"action":"addstorage","storageinfo":{"hostname":"web01","size":99999999999999999999}}""" },
        { "a number with an exponent", """{"action":"addstorage","storageinfo":{"hostname":"web01","size":1e9999}}""" },
        { "a negative number", """{"action":"addstorage","storageinfo":{"hostname":"web01","size":-9223372036854775808}}""" },
        { "a fraction", """{"action":"addstorage","storageinfo":{"hostname":"web01","size":0.1}}""" },
        { "not a number", """{"action":"addstorage","storageinfo":{"hostname":"web01","size":NaN}}""" },
        { "half of a surrogate pair", """{"action":"setimage","createvmform":{"image":"centos","hostname":"\ud800"}}""" },
        { "two values", """{"action":"host","target":"nobody"}{"action":"host","target":"web01"}""" },
        { "a comment", """{"action":"host",/* x */"target":"web01"}""" },
        { "bytes that are no UTF-8", "{\"action\":\"host\",\"target\":\"web01\u00ff\u00fe\"}" },
        { "a NUL", "{\"action\":\"host\",\"target\":\"web01\0\"}" },
    };

    [DaemonTheory, MemberData(nameof(Bodies))]
    public async Task A_body_that_is_not_quite_JSON_is_refused(string what, string body)
    {
        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Delete })
        {
            // Latin-1, so that each letter becomes the byte that it stands for.
            using var content = new ByteArrayContent(Encoding.Latin1.GetBytes(body));
            var answer = await Daemon.Client.SendAsync(method, "/", content, [], default);
            Assert.True(answer.Status is >= 400 and < 500, $"{what}: {answer}");
            answer.Refuses(answer.Status);
        }
    }

    [DaemonTheory]
    [InlineData("GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET http://other/healthz\0 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{}")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/9.9\r\nHost: x\r\n\r\n")]
    [InlineData("G\u00ebT / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0")]
    [InlineData("\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003")]
    public async Task What_is_no_HTTP_for_this_daemon_is_refused_or_hung_up_on(string request)
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        var answer = await ReadAsync(socket, until: 1);
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 505 ", StringComparison.Ordinal) || answer[0] == '\0', answer);
    }

    [DaemonFact]
    public async Task A_header_without_end_is_cut_off()
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes($"GET /healthz HTTP/1.1\r\nHost: x\r\nX: {new string('x', 100_000)}"));
        Assert.StartsWith("HTTP/1.1 431 ", await ReadAsync(socket, until: 1), StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task Who_sends_all_requests_at_once_gets_all_answers_in_order()
    {
        using var socket = await ConnectAsync();
        var requests = Enumerable.Range(0, Pipelined).Select(number => $"GET /pools/image{number} HTTP/1.1\r\nHost: x\r\n\r\n");
        await socket.SendAsync(Encoding.Latin1.GetBytes(string.Concat(requests)));
        var answers = await ReadAsync(socket, until: Pipelined);
        var at = Enumerable.Range(0, Pipelined).Select(number => answers.IndexOf($"image{number}\"", StringComparison.Ordinal)).ToArray();
        Assert.All(at, position => Assert.True(position > 0));
        Assert.Equal(at.Order(), at);
    }

    /// <summary>Thousands who say nothing, and many who say it slowly; others have their answers as ever.</summary>
    [DaemonFact]
    public async Task Those_who_dawdle_keep_nobody_waiting()
    {
        var sockets = new List<Socket>();
        try
        {
            for (var number = 0; number < Idle; number++)
            {
                sockets.Add(await ConnectAsync());
            }

            var slow = sockets.Take(Slow).ToArray();
            foreach (var (socket, number) in slow.Select((socket, number) => (socket, number)))
            {
                await socket.SendAsync(Encoding.Latin1.GetBytes(number % 2 == 0 ? "POST / HTTP/1.1\r\nHost: x\r\nX: " : "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{"));
            }

            using var pulse = new Pulse(Daemon.Client.Address);
            for (var letter = 0; letter < 10; letter++)
            {
                foreach (var socket in slow.Where(socket => socket.Connected))
                {
                    await TrySendAsync(socket, " "u8.ToArray());
                }

                var host = string.Create(CultureInfo.InvariantCulture, $"quick{letter}");
                (await Daemon.Client.SetImageAsync("centos", host)).Is(200);
                (await Daemon.Client.DeleteHostAsync(host)).Is(200);
            }

            Assert.Null(pulse.Fault);
            Assert.True(pulse.Slowest.TotalMilliseconds < 2000, $"{pulse}");
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static async Task TrySendAsync(Socket socket, byte[] bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (SocketException)
        {
            // It was hung up on, as it should be sooner or later.
        }
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(Daemon.Client.Address.Host, Daemon.Client.Address.Port);
        return socket;
    }

    /// <summary>Reads until so many answers have begun and nothing more comes for a while, or the connection ends.</summary>
    private static async Task<string> ReadAsync(Socket socket, int until)
    {
        var text = new StringBuilder();
        var buffer = new byte[65536];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            while (text.ToString().Split("HTTP/1.1 ").Length <= until || !text.ToString().TrimEnd('\r', '\n', '0').EndsWith('}'))
            {
                if (await socket.ReceiveAsync(buffer, limit.Token) is not (> 0 and var count))
                {
                    break;
                }

                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException)
        {
            // Hung up on, or silent.
        }

        return text.ToString();
    }
}
