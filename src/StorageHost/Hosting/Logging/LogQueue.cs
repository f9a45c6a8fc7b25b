using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Sinks.Async;
using StorageHost.Api;

namespace StorageHost.Hosting.Logging;

/// <summary>
/// Stands between the daemon and whoever reads its log. Where nobody reads, lines wait up to a number, and are dropped and counted from
/// there on. Lines of the audit still find room when no others do.
/// </summary>
internal sealed class LogQueue : ILogEventSink, IAsyncLogEventSinkMonitor, IDisposable
{
    /// <summary>How many lines wait before those are dropped that are none of the audit. They take some megabytes.</summary>
    private const int Capacity = 4096;

    /// <summary>How many lines of the audit have room beyond that. They would take some tens of megabytes.</summary>
    private const int AuditCapacity = 32_768;

    private static readonly string Audit = typeof(AuditLog).FullName!;

    /// <summary>How long the end of the daemon waits for a reader.</summary>
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly ILogEventSink queue;
    private IAsyncLogEventSinkInspector? inside;
    private long dropped;

    /// <param name="sink">Takes the lines, on a thread of its own, and may block it.</param>
    public LogQueue(ILogEventSink sink) => queue = LoggerSinkConfiguration.CreateSink(
        to => to.Async(to => to.Sink(sink), Capacity + AuditCapacity, blockWhenFull: false, monitor: this));

    /// <summary>How many lines were dropped.</summary>
    public long Dropped => Interlocked.Read(ref dropped) + (inside?.DroppedMessagesCount ?? 0);

    public void Emit(LogEvent logEvent)
    {
        // All wait in one queue, so that they keep their order.
        if (inside?.Count >= Capacity && !IsOfAudit(logEvent))
        {
            Interlocked.Increment(ref dropped);
            return;
        }

        queue.Emit(logEvent);
    }

    public void StartMonitoring(IAsyncLogEventSinkInspector inspector) => inside = inspector;

    public void StopMonitoring(IAsyncLogEventSinkInspector inspector)
    {
        // What was dropped stays known.
    }

    /// <summary>Writes what waits, if somebody reads it.</summary>
    public void Dispose() => Task.Run(() => (queue as IDisposable)?.Dispose()).Wait(FlushTimeout);

    // Strangers have a few lines a minute there, which fill nothing.
    private static bool IsOfAudit(LogEvent logEvent) =>
        logEvent.Properties.GetValueOrDefault(Constants.SourceContextPropertyName) is ScalarValue { Value: string category }
        && string.Equals(category, Audit, StringComparison.Ordinal);
}
