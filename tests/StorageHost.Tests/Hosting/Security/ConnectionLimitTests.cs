using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Moq;
using StorageHost.Hosting;
using StorageHost.Hosting.Security;
using StorageHost.Tests.Api;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Security;

public sealed class ConnectionLimitTests
{
    private static readonly IPEndPoint Ours = new(IPAddress.Parse("10.0.0.1"), 33833);
    private static readonly IPEndPoint Theirs = new(IPAddress.Parse("10.0.0.9"), 50000);

    private readonly ManualTimeProvider time = new();
    private readonly ListLog<ConnectionLimit> log = new();
    private readonly HashSet<string> aborted = [];
    private readonly HashSet<string> refused = [];

    [Theory]
    [InlineData(4000, 65536, 4000)]
    [InlineData(4000, 600, 300)]
    [InlineData(4000, long.MaxValue, 4000)]
    [InlineData(10, 1, 1)]
    public void There_are_never_more_than_half_of_the_files(int wanted, long files, int most)
    {
        Assert.Equal(most, new ConnectionLimit(wanted, files, time, log).Most);
        Assert.Equal(most < wanted ? 1 : 0, log.Lines.Count);
    }

    [Fact]
    public void The_limit_of_open_files_is_that_of_the_process()
    {
        Assert.Equal(1024, OpenFiles.Limit(["Limit   Soft Limit  Hard Limit  Units", "Max open files            1024                 524288               files     "]));
        Assert.Equal(long.MaxValue, OpenFiles.Limit(["Max open files            unlimited            unlimited            files     "]));
        Assert.InRange(OpenFiles.Left(), 1, OpenFiles.Limit(File.ReadLines("/proc/self/limits")) - 3);
    }

    [Fact]
    public async Task A_new_connection_takes_the_place_of_the_longest_idle_one()
    {
        var limit = new ConnectionLimit(2, 1000, time, log);
        var busy = Connect(limit, "busy");
        var request = new TaskCompletionSource();
        var served = busy.ServeAsync(() => request.Task);
        time.Advance(TimeSpan.FromSeconds(1));
        Connect(limit, "first");
        time.Advance(TimeSpan.FromSeconds(1));
        Connect(limit, "second");
        Assert.Equal(["first"], aborted);

        // From the end of its request on, it is idle as well, but not for longest.
        time.Advance(TimeSpan.FromSeconds(1));
        request.SetResult();
        await served;
        Connect(limit, "third");
        Assert.Equal(["first", "second"], aborted.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Single(log.Lines);
        time.Advance(TimeSpan.FromMinutes(2));
        Connect(limit, "fourth");
        Assert.Equal(2, log.Lines.Count);
    }

    [Fact]
    public void While_all_are_busy_only_callers_on_this_machine_are_let_in_and_not_many_of_them()
    {
        var limit = new ConnectionLimit(1, 1000, time, log);
        Keep(Connect(limit, "busy"));
        Connect(limit, "stranger");
        Assert.Equal(["stranger"], refused);
        for (var number = 0; number < ConnectionLimit.Reserve; number++)
        {
            Keep(Connect(limit, $"own {number}", number % 2 == 0 ? new IPEndPoint(Ours.Address, 1) : new UnixDomainSocketEndPoint("/socket")));
        }

        Assert.Equal(["stranger"], refused);
        Connect(limit, "one too many", new IPEndPoint(IPAddress.Loopback, 1));
        Assert.Contains("one too many", refused);
        Assert.Empty(aborted);
    }

    [Fact]
    public void A_connection_that_ended_leaves_its_place()
    {
        var limit = new ConnectionLimit(1, 1000, time, log);
        limit.Leave(Connect(limit, "first"));
        Connect(limit, "second");
        Assert.Empty(aborted);
    }

    /// <summary>On a real server: whoever holds connections and says nothing, or half a request, keeps nobody else out.</summary>
    [Fact]
    public async Task Idle_connections_keep_nobody_out()
    {
        await using var api = await TestApi.StartAsync(security: new SecurityOptions { MaxConnections = 10 });
        var sockets = new List<Socket>();
        for (var number = 0; number < 40; number++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            await socket.ConnectAsync(api.Client.BaseAddress!.Host, api.Client.BaseAddress.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(number % 2 == 0 ? "GET / HTTP/1.1\r\nHost: x\r\n" : ""));
        }

        Assert.Equal(HttpStatusCode.OK, (await api.Client.GetAsync("/healthz")).StatusCode);

        // The first ones were closed, and can be told from those that are served by that.
        Assert.Equal(0, await ReadAsync(sockets[0]));
        Assert.Equal(0, await ReadAsync(sockets[20]));
        Assert.Equal(HttpStatusCode.OK, (await api.Client.GetAsync("/healthz")).StatusCode);
        sockets.ForEach(socket => socket.Dispose());
    }

    private static async Task<int> ReadAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            return await socket.ReceiveAsync(new byte[1], limit.Token);
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }

    private static void Keep(ConnectionPlace place) => _ = place.ServeAsync(() => new TaskCompletionSource().Task);

    private ConnectionPlace Connect(ConnectionLimit limit, string id, EndPoint? from = null)
    {
        var connection = new Mock<ConnectionContext>();
        connection.Setup(known => known.RemoteEndPoint).Returns(from ?? Theirs);
        connection.Setup(known => known.LocalEndPoint).Returns(Ours);
        connection.Setup(known => known.Abort(It.IsAny<ConnectionAbortedException>())).Callback(() => aborted.Add(id));
        var place = new ConnectionPlace(connection.Object, time);
        _ = limit.TryEnter(place) || refused.Add(id);
        return place;
    }
}
