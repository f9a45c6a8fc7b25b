using System.Diagnostics;
using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Makes system calls of a running daemon fail, for as long as it is not disposed.</summary>
internal sealed class Fault : IAsyncDisposable
{
    private readonly Process strace;
    private readonly string calls;

    private Fault(Process strace, string calls) => (this.strace, this.calls) = (strace, calls);

    /// <summary>How many calls were made to fail.</summary>
    public int Injected => File.ReadLines(calls).Count(line => line.EndsWith("(INJECTED)", StringComparison.Ordinal));

    /// <summary>Every one of these calls fails from now on.</summary>
    /// <param name="daemon">Whose calls.</param>
    /// <param name="names">Their names, separated by commas.</param>
    /// <param name="error">The errno's name.</param>
    public static Task<Fault> InjectAsync(Daemon daemon, string names, string error) => BeginAsync(daemon, names, $"error={error}");

    /// <summary>Every one of these calls is made only after so long; other calls of the daemon go on meanwhile.</summary>
    public static Task<Fault> DelayAsync(Daemon daemon, string names, TimeSpan by) =>
        BeginAsync(daemon, names, string.Create(CultureInfo.InvariantCulture, $"delay_enter={(long)by.TotalMicroseconds}"));

    private static async Task<Fault> BeginAsync(Daemon daemon, string names, string what)
    {
        var log = Path.Combine(Lab.Directory, "strace.log");
        File.Delete(log);
        var tracer = Shell.Start(["strace", "-f", "-q", "-o", log, "-e", $"trace={names}", "-e", $"inject={names}:{what}", "-p", $"{daemon.Pid}"]);
        await Wait.UntilAsync("strace to hold every thread of the daemon", () => Task.FromResult(
            Directory.EnumerateDirectories($"/proc/{daemon.Pid}/task").All(Traced)));
        return new Fault(tracer, log);
    }

    public async ValueTask DisposeAsync()
    {
        Signal.Send(Signal.Interrupt, strace.Id);
        await strace.WaitForExitAsync();
        strace.Dispose();
    }

    private static bool Traced(string thread)
    {
        try
        {
            return File.ReadLines(Path.Combine(thread, "status")).Any(line => line.StartsWith("TracerPid:", StringComparison.Ordinal) && !line.EndsWith("\t0", StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return true; // it ended meanwhile
        }
    }
}
