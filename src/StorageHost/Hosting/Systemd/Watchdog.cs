using System.Globalization;

namespace StorageHost.Hosting.Systemd;

/// <summary>
/// Feeds systemd's watchdog for as long as the daemon answers requests: four times within the watchdog's time it asks itself, over its
/// own address, whether it lives. A storage that hangs does not matter to that; a daemon that nobody can reach any more is restarted.
/// </summary>
/// <param name="limit">The watchdog's time; null where there is none.</param>
/// <param name="manager">Is fed.</param>
/// <param name="probe">Asks, and says what is wrong.</param>
/// <param name="lifetime">Says when the daemon stops: then it may well not answer.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where a missing answer goes.</param>
internal sealed partial class Watchdog(
    TimeSpan? limit, ServiceManager manager, Func<CancellationToken, Task<string?>> probe, IHostApplicationLifetime lifetime,
    TimeProvider time, ILogger<Watchdog> log)
    : BackgroundService
{
    private const int TriesWithinLimit = 4;

    /// <summary>In microseconds; a timer cannot be set to less than a millisecond.</summary>
    private const long ShortestLimit = TriesWithinLimit * 1000;

    /// <summary>
    /// Reads <c>$WATCHDOG_USEC</c>, and <c>$WATCHDOG_PID</c>, which names another process when it is not meant for this one.
    /// </summary>
    /// <param name="variable">Gives a variable of the environment.</param>
    public static TimeSpan? FindLimit(Func<string, string?> variable) =>
        long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
            && microseconds is >= ShortestLimit and < int.MaxValue * 1000L
            && (variable("WATCHDOG_PID") ?? "") is var pid
            && (pid.Length == 0 || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (limit is not { } within)
        {
            return;
        }

        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        var interval = within / TriesWithinLimit;
        using var ticks = new PeriodicTimer(interval, time);
        while (await ticks.WaitForNextTickAsync(stopping.Token))
        {
            using var late = new CancellationTokenSource(interval, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stopping.Token);
            if (await probe(either.Token) is not { } fault)
            {
                manager.Tell(ServiceState.Alive);
            }
            else if (!stopping.IsCancellationRequested)
            {
                LogNoAnswer(fault);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The daemon does not answer itself, so the watchdog was not fed: {Fault}")]
    private partial void LogNoAnswer(string fault);
}
