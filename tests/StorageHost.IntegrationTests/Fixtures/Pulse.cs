using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>
/// Asks for /healthz again and again and remembers how long each answer took. On a thread of its own and with nothing but a socket, since the
/// thread pool of a busy test would otherwise be measured in the daemon's place.
/// </summary>
internal sealed class Pulse : IDisposable
{
    private readonly Uri address;
    private readonly Thread thread;
    private readonly ManualResetEventSlim stopped = new();
    private readonly ConcurrentQueue<TimeSpan> answers = new();

    public Pulse(Uri address)
    {
        this.address = address;
        thread = new Thread(Beat) { IsBackground = true };
        thread.Start();
    }

    public TimeSpan Slowest => answers.Max();

    /// <summary>What half of the answers did not take.</summary>
    public TimeSpan Median => answers.Order().ElementAt(answers.Count / 2);

    /// <summary>The first answer that was not 200, or the error in its place.</summary>
    public string? Fault { get; private set; }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{answers.Count} answers of /healthz: median {Median.TotalMilliseconds:0.0} ms, slowest {Slowest.TotalMilliseconds:0} ms");

    public void Dispose()
    {
        stopped.Set();
        thread.Join();
        stopped.Dispose();
    }

    private void Beat()
    {
        do
        {
            var clock = Stopwatch.StartNew();
            var answer = Ask();
            answers.Enqueue(clock.Elapsed);
            Fault ??= answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) ? null : answer;
        }
        while (!stopped.Wait(TimeSpan.FromMilliseconds(20)));
    }

    private string Ask()
    {
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
            socket.Connect(address.Host, address.Port);
            socket.Send(Encoding.ASCII.GetBytes($"GET /healthz HTTP/1.1\r\nHost: {address.Host}\r\nConnection: close\r\n\r\n"));
            var buffer = new byte[4096];
            return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
        }
        catch (SocketException fault)
        {
            return fault.Message;
        }
    }
}
