using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Sinks.Async;

namespace StorageHost.Hosting.Logging;

/// <summary>
/// Stands between the daemon and whoever reads its log. Where nobody reads, lines wait up to a number, and are dropped and counted from
/// there on.
/// </summary>
internal sealed class LogQueue : ILogEventSink, IAsyncLogEventSinkMonitor, IDisposable
{
    /// <summary>How many lines wait. They take some megabytes.</summary>
    private const int Capacity = 4096;

    /// <summary>How long the end of the daemon waits for a reader.</summary>
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly ILogEventSink queue;
    private IAsyncLogEventSinkInspector? inside;

    /// <param name="sink">Takes the lines, on a thread of its own, and may block it.</param>
    public LogQueue(ILogEventSink sink) =>
        queue = LoggerSinkConfiguration.CreateSink(to => to.Async(to => to.Sink(sink), Capacity, blockWhenFull: false, monitor: this));

    /// <summary>How many lines were dropped.</summary>
    public long Dropped => inside?.DroppedMessagesCount ?? 0;

    public void Emit(LogEvent logEvent) => queue.Emit(logEvent);

    public void StartMonitoring(IAsyncLogEventSinkInspector inspector) => inside = inspector;

    public void StopMonitoring(IAsyncLogEventSinkInspector inspector)
    {
        // What was dropped stays known.
    }

    /// <summary>Writes what waits, if somebody reads it.</summary>
    public void Dispose() => Task.Run(() => (queue as IDisposable)?.Dispose()).Wait(FlushTimeout);
}
