using StorageHost.Images.Ports;

namespace StorageHost.Images.Pools;

/// <summary>
/// Sees at intervals that the volume is served, that what dead daemons left there is recovered, and that the pools know what lies there.
/// </summary>
internal sealed partial class VolumeUpkeep(
    IVolume volume, PoolTable pools, PoolScanner scanner, IVolumePolicy policy, TimeProvider time, ILogger log)
{
    /// <summary>What keeps the volume from being served; null when nothing does.</summary>
    public string? Problem { get; private set; } = "the storage directory was not read yet";

    /// <summary>Why what others left on the volume could not be recovered; null when it could. The pools are served all the same.</summary>
    public string? RecoveryProblem { get; private set; }

    /// <summary>Looks, recovers and scans at intervals, for ever and after any fault.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await volume.EnsureServedAsync(stoppingToken);
                await RecoverAsync(stoppingToken);
                await scanner.ScanAsync(stoppingToken);
                if (Problem is not null)
                {
                    LogServed();
                    UnhinderByStorage();
                }

                Problem = null;
            }
            catch (RefusedException exception)
            {
                if (Problem != exception.Message)
                {
                    LogCannotServe(exception.Message);
                }

                Problem = exception.Message;
            }
#pragma warning disable CA1031 // Whatever it was, the next look may find it gone; a daemon that no longer looks would be worse.
            catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
            {
                Problem = "the storage directory could not be read: internal error";
                LogBroken(exception, "reading the storage directory");
            }

            await Task.Delay(policy.RescanInterval, time, stoppingToken);
        }
    }

    /// <summary>The storage answers again: what it kept from being filled is tried at once.</summary>
    private void UnhinderByStorage()
    {
        foreach (var pool in pools.All.Where(pool => pool.Problem is { IsOfStorage: true }))
        {
            pool.Unhinder();
        }
    }

    /// <summary>
    /// Whatever keeps recovery from its work must not keep the pools from being looked after, nor room from being given back.
    /// </summary>
    private async Task RecoverAsync(CancellationToken stoppingToken)
    {
        try
        {
            await volume.RecoverAsync(stoppingToken);
            RecoveryProblem = null;
        }
        catch (RefusedException exception)
        {
            if (RecoveryProblem != exception.Message)
            {
                LogCannotRecover(exception.Message);
            }

            RecoveryProblem = exception.Message;
        }
#pragma warning disable CA1031 // The same: a fault of ours in recovery is no reason to serve no pool.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            RecoveryProblem = "internal error; the log says more";
            LogBroken(exception, "recovery");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The storage directory cannot be served: {Reason}")]
    private partial void LogCannotServe(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The storage directory is served")]
    private partial void LogServed();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The leftovers of dead daemons cannot be recovered now: {Reason}")]
    private partial void LogCannotRecover(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected failure of {Work}")]
    private partial void LogBroken(Exception exception, string work);
}
