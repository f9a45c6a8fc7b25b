using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Service;

/// <summary>Stands in systemd's place: has a socket for what a daemon tells, and a watchdog that it has to feed.</summary>
internal sealed class Supervisor : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    // A path, not an abstract name: it is reached from the network of any place.
    private readonly string path = Path.Combine(Lab.Directory, $"notify-{Guid.NewGuid():N}");
    private readonly ConcurrentQueue<string> heard = new();
    private readonly string watchdog;
    private readonly Task listening;

    public Supervisor(TimeSpan watchdogLimit)
    {
        watchdog = watchdogLimit.TotalMicroseconds.ToString(CultureInfo.InvariantCulture);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        listening = Task.Run(ListenAsync);
    }

    /// <summary>How much it has heard.</summary>
    public int Count => heard.Count;

    /// <summary>What it heard last of the service's state; its watchdog may be fed by a probe that was under way.</summary>
    public string LastOfService => heard.Last(message => message != "WATCHDOG=1");

    /// <summary>The place with what systemd has in the environment there, and no signal ignored (nohup(1) would have the daemon deaf to SIGHUP).</summary>
    public Place Over(Place place) => place with { Enter = [.. place.Enter, "env", "--default-signal=HUP", $"NOTIFY_SOCKET={path}", $"WATCHDOG_USEC={watchdog}"] };

    /// <summary>Waits for a message that begins so, after the first <paramref name="skip"/>.</summary>
    public Task<string> HearsAsync(string start, int skip = 0, int seconds = 20) => Wait.ForAsync(
        $"{start} (heard: {string.Join(" / ", heard.TakeLast(10))})",
        () => Task.FromResult(heard.Skip(skip).FirstOrDefault(message => message.StartsWith(start, StringComparison.Ordinal))),
        seconds);

    public void Dispose()
    {
        socket.Dispose();
        listening.Wait();
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                heard.Enqueue(Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer)));
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // It was disposed of.
        }
    }
}
