using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Pools;

/// <summary>
/// Drives ready towards wanted, for ever and after any fault: <see cref="PoolPlan"/> decides, <see cref="PoolPass"/> does. Callers who
/// wait come first, and one worker is kept for them.
/// </summary>
internal sealed partial class PoolReconciler(
    IVolume volume, PoolTable pools, PoolScanner scanner, PoolPass pass, PreclaimedCopies ahead, JobTable jobs, IVolumePolicy policy,
    IOptions<PoolOptions> options, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<PoolReconciler> log) : BackgroundService
{
    private readonly ConcurrentDictionary<ImageName, RunningPass> running = new();
    private readonly ConcurrentDictionary<ImageName, Backoff> backoffs = new();
    private readonly UnsettledTemplates unsettled = new(pools, time);
    private readonly VolumeUpkeep upkeep = new(volume, pools, scanner, policy, time, log);

    /// <inheritdoc cref="VolumeUpkeep.Problem"/>
    public string? Problem => upkeep.Problem;

    /// <inheritdoc cref="VolumeUpkeep.RecoveryProblem"/>
    public string? RecoveryProblem => upkeep.RecoveryProblem;

    /// <summary>When it last looked after the pools, as a time stamp; null when it did not yet.</summary>
    public long? LastTurn { get; private set; }

    /// <summary>Stops copying an image, and waits until it has stopped.</summary>
    /// <exception cref="RefusedException">StorageTimeout: the storage keeps it from stopping.</exception>
    public async Task StopCopyingAsync(ImageName image, CancellationToken cancellationToken)
    {
        if (running.TryGetValue(image, out var current))
        {
            current.Cancel();
            try
            {
                await current.Done.WaitAsync(policy.OperationTimeout, time, cancellationToken);
            }
            catch (TimeoutException exception)
            {
                throw new RefusedException(
                    Refusal.StorageTimeout, $"the copying of {image} does not end: the storage does not answer", exception);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Background.Begin();

        // Hosted services are stopped only after the last request was answered, and copying should not keep the daemon until then.
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        try
        {
            await Task.WhenAll(upkeep.RunAsync(stopping.Token), AdvanceWhenCalledAsync(stopping.Token));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(running.Values.Select(current => current.Done));
            await ahead.GiveBackAsync();
        }
    }

    private async Task AdvanceWhenCalledAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await pools.ListenAsync(policy.RescanInterval, stoppingToken);
            foreach (var pool in pools.All.Where(pool => !pool.Closing))
            {
                try
                {
                    Advance(pool, stoppingToken);
                    ahead.Advance(pool, stoppingToken);
                }
#pragma warning disable CA1031 // One pool's misfortune must not keep the others from being filled, nor this one for ever.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    LogBroken(exception, "looking after a pool");
                }
            }

            LastTurn = time.GetTimestamp();
        }
    }

    private void Advance(Pool pool, CancellationToken stoppingToken)
    {
        PassState? state = running.TryGetValue(pool.Image, out var current) ? new PassState(current.Step, pool.Job?.CopiesLeft ?? 0) : null;
        var backoff = backoffs.GetOrAdd(pool.Image, _ => new Backoff(time));
        if (state is null && pool.Problem is null)
        {
            // Also when its cause was seen to be gone: then there is nothing left to wait for.
            backoff.Reset();
        }

        var (step, copies) = unsettled.Contains(pool.Image)
            ? (PoolStep.Rest, 0)
            : PoolPlan.Next(pool.Wanted, pool.Ready, pool.Total, pool.Waiting, state, backoff.IsResting);
        pool.Job?.Expect(Math.Max(0, pool.Wanted - pool.Total));
        if (step == PoolStep.Stop)
        {
            current!.Cancel();
        }
        else if (step != PoolStep.Rest && running.Count < options.Value.Workers - (step == PoolStep.Serve ? 0 : 1))
        {
            Start(pool, step, copies, backoff, stoppingToken);
        }
        else if (state is null && pool.Total >= pool.Wanted && pool.Waiting == 0)
        {
            // Also when others filled it.
            pool.Unhinder();
            pool.EndJob()?.Conclude(levelReached: pool.Wanted > 0);
        }
    }

    private void Start(Pool pool, PoolStep step, int copies, Backoff backoff, CancellationToken stoppingToken)
    {
        if (step != PoolStep.Trim)
        {
            pool.BeginJob(jobs).Expect(Math.Max(copies, pool.Wanted - pool.Total));
        }

        var cancellation = new CancellationTokenSource();
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        running[pool.Image] = new RunningPass(step, cancellation.Cancel, finished.Task);
        _ = RunAsync();

        async Task RunAsync()
        {
            if (step == PoolStep.Serve)
            {
                Background.End();
            }

            await using var stop = stoppingToken.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), cancellation);
            try
            {
                var isOurs = await (step switch
                {
                    PoolStep.Serve => pass.ServeAsync(pool, copies, cancellation.Token),
                    PoolStep.Fill => pass.FillAsync(pool, cancellation.Token),
                    _ => pass.TrimAsync(pool, cancellation.Token),
                });
                backoff.Reset();
                if (isOurs)
                {
                    pool.Unhinder();
                }
                else
                {
                    pool.Hinder(NewProblem($"another daemon sees to the pool of {pool.Image}"));
                    backoff.RestFor(policy.RescanInterval);
                }
            }
            catch (OperationCanceledException)
            {
                LogStopped(pool.Image);
            }
            catch (RefusedException exception) when (exception.RetryAfter is { } rest)
            {
                if (pool.Problem?.Message != exception.Message)
                {
                    LogPutOff(pool.Image, exception.Message);
                }

                pool.Hinder(NewProblem(exception));
                pool.Job?.Hinder(exception.Message);
                unsettled.PutOff(pool.Image, rest, stoppingToken);
            }
            catch (RefusedException exception)
            {
                LogHindered(pool.Image, exception.Message);
                pool.CountFailure();
                pool.Hinder(NewProblem(exception));
                pool.Job?.Hinder(exception.Message);
                backoff.Rest();
                if (exception.Reason != Refusal.JobConflict)
                {
                    pool.FailWaiters(exception);
                }
            }
#pragma warning disable CA1031 // The pool is tried again whatever happened, and nobody may be left waiting.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogBroken(exception, "a pass");
                pool.CountFailure();
                pool.Hinder(NewProblem("internal error; the log says more"));
                backoff.Rest();
                pool.FailWaiters(exception);
            }
            finally
            {
                running.TryRemove(pool.Image, out _);
                finished.SetResult();
                pools.Ring();
            }
        }
    }

    private PoolProblem NewProblem(string message) => new(message, time.GetUtcNow());

    private PoolProblem NewProblem(RefusedException refusal) => new(refusal.Message, time.GetUtcNow(), refusal.Reason, refusal.NeededBytes);

    private sealed record RunningPass(PoolStep Step, Action Cancel, Task Done);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The pool of {Image} cannot be brought to its level now: {Reason}")]
    private partial void LogHindered(ImageName image, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The pool of {Image} is put off: {Reason}")]
    private partial void LogPutOff(ImageName image, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected failure of {Work}")]
    private partial void LogBroken(Exception exception, string work);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopped copying {Image}")]
    private partial void LogStopped(ImageName image);
}
