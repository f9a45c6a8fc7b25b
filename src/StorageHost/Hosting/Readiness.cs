using Polly.CircuitBreaker;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;

namespace StorageHost.Hosting;

/// <summary>How a check turned out.</summary>
internal enum CheckState
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Something is wrong that does not keep requests from being served.</summary>
    Degraded,

    /// <summary>Requests cannot be served.</summary>
    Failed,
}

/// <summary>One check.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="State">How it turned out.</param>
/// <param name="Message">What is wrong, in words; empty when nothing is.</param>
/// <param name="AgeSeconds">How old this knowledge is, in seconds; null when nothing was learnt yet.</param>
internal sealed record ReadinessCheck(
    string Name, CheckState State, string Message, double? AgeSeconds);

/// <summary>Finds out whether requests can be served, and if not, why.</summary>
internal sealed partial class Readiness(
    IVolume volume, PoolScanner scanner, PoolReconciler reconciler, StorageThreads threads, IFacts<GlusterCluster> gluster,
    IHostApplicationLifetime lifetime, IVolumePolicy policy, TimeProvider time, ILogger<Readiness> log)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Pools that nobody has looked after for so long, above the interval, are not looked after any more.</summary>
    private static readonly TimeSpan Neglect = TimeSpan.FromMinutes(1);

    /// <summary>Whether requests can be served, as far as is known without asking the storage.</summary>
    public bool IsReady => Known().All(check => check.State != CheckState.Failed);

    /// <summary>Every check. The storage is asked, but not waited for longer than 2 s.</summary>
    public async Task<IReadOnlyList<ReadinessCheck>> CheckAsync(CancellationToken cancellationToken) =>
        [await AskStorageAsync(cancellationToken), .. Known()];

    private IEnumerable<ReadinessCheck> Known()
    {
        yield return Check("directory", reconciler.Problem is { } problem ? (CheckState.Failed, problem) : default, scanner.LastScan);
        yield return Check("pools", IsNeglected ? (CheckState.Failed, "the pool reconciler has stalled") : default, reconciler.LastTurn);
        yield return Check(
            "breaker",
            threads.Breaker == CircuitState.Closed
                ? default
                : (CheckState.Failed, "the storage hangs: its calls are refused until one answers"),
            time.GetTimestamp());
        yield return Check(
            "running", lifetime.ApplicationStopping.IsCancellationRequested ? (CheckState.Failed, "the daemon is stopping") : default,
            time.GetTimestamp());

        if (reconciler.RecoveryProblem is { } unrecovered)
        {
            yield return Check("recovery", (CheckState.Degraded, unrecovered), time.GetTimestamp());
        }

        // Null facts without a problem: there is no Gluster here.
        if (gluster.Latest is { } facts && facts != Facts<GlusterCluster>.None)
        {
            yield return Check(
                "gluster", facts.Problem is { } stale ? (CheckState.Degraded, stale) : default,
                facts.TakenAt is { } at ? time.GetUtcNow() - at : null);
        }
    }

    private bool IsNeglected => reconciler.LastTurn is { } turn && time.GetElapsedTime(turn) > policy.RescanInterval + Neglect;

    private async Task<ReadinessCheck> AskStorageAsync(CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            await volume.ReadSpaceAsync(either.Token);
            return Storage(default);
        }
        catch (RefusedException refusal)
        {
            return Storage((CheckState.Failed, refusal.Message));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Storage((CheckState.Failed, "the check did not end in time"));
        }
#pragma warning disable CA1031 // Whoever asks is to be told the state, whatever it is.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            LogFailed(exception);
            return Storage((CheckState.Failed, "the check failed; the log says more"));
        }

        ReadinessCheck Storage((CheckState, string?) found) => Check("storage", found, time.GetTimestamp());
    }

    private ReadinessCheck Check(string name, (CheckState State, string? Message) found, long? learnt) =>
        Check(name, found, learnt is { } at ? time.GetElapsedTime(at) : (TimeSpan?)null);

    private static ReadinessCheck Check(string name, (CheckState State, string? Message) found, TimeSpan? age) =>
        new(name, found.State, found.Message ?? "", age is { } known ? Math.Round(known.TotalSeconds, 1) : null);

    [LoggerMessage(Level = LogLevel.Error, Message = "Asking the storage whether it answers failed")]
    private partial void LogFailed(Exception exception);
}
