using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A running daemon, from the outside.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly Process process;
    private readonly string log;
    private readonly string pidFile;

    private Daemon(Process process, string log, Uri address, Action<SocketsHttpHandler>? shape = null)
    {
        (this.process, this.log) = (process, log);
        pidFile = Path.Combine(Lab.Directory, "pids", process.Id.ToString(CultureInfo.InvariantCulture));
        File.WriteAllText(pidFile, "");
        Client = new Client(address, Tail, shape);
    }

    public Client Client { get; }

    public int Pid => process.Id;

    public bool HasExited => process.HasExited;

    public string Errors => File.ReadAllText($"{log}.err");

    public string Output => File.ReadAllText($"{log}.out");

    /// <summary>How many threads it has now.</summary>
    public int Threads => Directory.GetDirectories($"/proc/{Pid}/task").Length;

    /// <summary>The most memory that it ever held, in bytes.</summary>
    public long PeakRss => 1024 * long.Parse(
        File.ReadLines($"/proc/{Pid}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ')[^2], CultureInfo.InvariantCulture);

    /// <summary>The time that it took of processors since its start.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    /// <summary>Starts one; its pid is the daemon's own, since every program on the way there replaces itself.</summary>
    public static Daemon Launch(Place place, string log, params string[] settings)
    {
        var loopback = place.Address == Place.Here.Address;
        var address = new Uri($"http://{place.Address}:{(loopback ? FreePort() : 33833)}");
        string[] arguments = ["--Urls", address.ToString(), .. loopback ? Array.Empty<string>() : ["--Security:AllowAnonymous", "true"], .. settings];
        return new Daemon(Start(place, log, arguments), log, address);
    }

    /// <summary>Starts one at this address of this machine; <paramref name="shape"/> says how to get there, where that takes more than the address.</summary>
    public static Daemon Launch(Uri address, string log, Action<SocketsHttpHandler>? shape, params string[] settings) =>
        new(Start(Place.Here, log, ["--Urls", address.ToString(), .. settings]), log, Reachable(address), shape);

    // One listens to every address, but calls one of them.
    private static Uri Reachable(Uri address) => address.Host == "0.0.0.0" ? new UriBuilder(address) { Host = "127.0.0.1" }.Uri : address;

    /// <summary>Starts one with nothing but these arguments, for a test of how it refuses them.</summary>
    public static Task<(int ExitCode, string Errors)> RefusesAsync(string log, params string[] arguments) => RefusesAsync(Place.Here, log, arguments);

    public static async Task<(int ExitCode, string Errors)> RefusesAsync(Place place, string log, params string[] arguments)
    {
        using var refusing = Start(place, log, arguments);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await refusing.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException late)
        {
            refusing.Kill();
            throw new TimeoutException($"The daemon did not refuse to start: {string.Join(' ', arguments)}", late);
        }

        return (refusing.ExitCode, await File.ReadAllTextAsync($"{log}.err"));
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async Task ReadyAsync(int seconds = 30) => await Wait.UntilAsync("the daemon to be ready", async () => process.HasExited
        ? throw new InvalidOperationException($"The daemon ended with {process.ExitCode}.\n{Tail()}")
        : await Client.StatusAsync("/readyz") == 200, seconds);

    /// <summary>Asks it to stop, waits until it has, and gives its exit code.</summary>
    public async Task<int> StopAsync(int seconds = 20)
    {
        Signal.Send(Signal.Terminate, Pid);
        return await EndAsync(seconds);
    }

    /// <summary>Waits until it has ended, and gives its exit code.</summary>
    public async Task<int> EndAsync(int seconds = 20)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode;
    }

    /// <summary>Kills it and waits for its end, which a FUSE client that never answers would put off for ever.</summary>
    public async Task KillAsync()
    {
        Kill();
        await EndAsync(seconds: 60);
    }

    /// <summary>Kills it and does not wait; from then on it does nothing more.</summary>
    public void Kill() => process.Kill();

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        File.Delete(pidFile);
        Client.Dispose();
        process.Dispose();
    }

    /// <summary>The end of its log, for messages.</summary>
    public string Tail() => $"--- {log}\n{string.Join('\n', Output.Split('\n').TakeLast(25))}\n{Errors}";

    private static Process Start(Place place, string log, string[] arguments) =>
        Shell.Start(["sh", "-c", """exec "$@" >"$0.out" 2>"$0.err" """, log, .. place.Command([Repository.Daemon, .. arguments])]);
}
