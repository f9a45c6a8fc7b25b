using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using Polly.CircuitBreaker;
using StorageHost.Files.Session;
using StorageHost.Hosting.Logging;

namespace StorageHost.Hosting.Telemetry;

/// <summary>
/// What the daemon itself is like: whether it is ready, its storage threads, its process. The process has the names that Prometheus' own
/// libraries give.
/// </summary>
internal sealed class DaemonGauges
{
    public DaemonGauges(IMeterFactory meters, StorageThreads threads, Readiness readiness, LogQueue log)
    {
        var meter = meters.Create("StorageHost");
        meter.CreateObservableGauge(
            "storagehost.build.info", () => new Measurement<long>(1, Build), null, "Always 1; the labels say what runs.");
        meter.CreateObservableGauge(
            "storagehost.ready", () => readiness.IsReady ? 1L : 0L, null,
            "1 when requests can be served, as far as is known without asking the storage.");

        meter.CreateObservableGauge("storagehost.storage.threads", () => (long)threads.Count, "{thread}", "Threads for storage calls.");
        meter.CreateObservableGauge(
            "storagehost.storage.threads.busy", () => (long)threads.Busy, "{thread}", "Storage threads that work, or whose call hangs.");
        meter.CreateObservableGauge(
            "storagehost.storage.queued", () => (long)threads.Queued, "{call}", "Storage calls that wait for a thread.");
        meter.CreateObservableCounter(
            "storagehost.storage.timeouts", () => threads.Timeouts, "{call}", "Storage calls that were not answered by their deadline.");
        meter.CreateObservableGauge(
            "storagehost.storage.breaker", () => Breaker(threads.Breaker), null,
            "1 for the state that the breaker of the storage has, 0 for the others.");

        meter.CreateObservableCounter(
            "storagehost.log.dropped", () => log.Dropped, "{line}", "Lines of the log that were dropped since nobody read it.");

        using var self = Process.GetCurrentProcess();
        var started = (self.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
        meter.CreateObservableGauge("process.start_time", () => started, "s", "When the process was started, in seconds since 1970.");
        meter.CreateObservableCounter(
            "process.cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time that the process has used.");
        meter.CreateObservableGauge("process.resident_memory", () => Environment.WorkingSet, "By", "Memory that the process holds.");
    }

    /// <summary>The daemon's version, without the commit.</summary>
    public static string Version { get; } =
        typeof(DaemonGauges).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static KeyValuePair<string, object?>[] Build => [new("version", Version), new("runtime", Environment.Version.ToString())];

    private static IEnumerable<Measurement<long>> Breaker(CircuitState now) => new (string State, CircuitState[] Is)[]
        {
            ("closed", [CircuitState.Closed]), ("half_open", [CircuitState.HalfOpen]), ("open", [CircuitState.Open, CircuitState.Isolated]),
        }
        .Select(state => new Measurement<long>(state.Is.Contains(now) ? 1 : 0, new KeyValuePair<string, object?>("state", state.State)));
}
