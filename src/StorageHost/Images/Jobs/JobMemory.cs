using System.Collections.Concurrent;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Jobs;

/// <summary>
/// Has the volume remember the jobs that bring templates, and takes up what other daemons, and this one before it was started anew, have
/// left there.
/// </summary>
internal sealed class JobMemory : BackgroundService
{
    private static readonly TimeSpan LastLimit = TimeSpan.FromSeconds(2);

    private readonly JobTable jobs;
    private readonly IJobJournal journal;
    private readonly IVolumePolicy policy;
    private readonly TimeProvider time;

    /// <summary>Those whose end is not remembered yet, and whether the volume knows that they run.</summary>
    private readonly ConcurrentDictionary<Job, bool> open = new();
    private volatile TaskCompletionSource bell = NewBell();

    public JobMemory(JobTable jobs, IJobJournal journal, IVolumePolicy policy, TimeProvider time)
    {
        (this.jobs, this.journal, this.policy, this.time) = (jobs, journal, policy, time);
        jobs.Begun = Track;
    }

    // At the pace of the scans, but out of step with them, it would leave the storage no rest between two looks.
    private TimeSpan LookInterval => 2 * policy.RescanInterval;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Background.Begin();
        try
        {
            while (true)
            {
                // Before the look: what rings during it is looked at once more.
                var next = NewBell();
                bell = next;
                await TryKeepAsync(stoppingToken);
                using var rung = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                await Task.WhenAny(next.Task, Task.Delay(LookInterval, time, rung.Token));
                await rung.CancelAsync();
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException)
        {
            await LeaveAsync();
        }
    }

    /// <summary>The jobs end with the daemon; what became of them should be known to the next one.</summary>
    private async Task LeaveAsync()
    {
        using var limit = new CancellationTokenSource(LastLimit, time);
        try
        {
            await Task.WhenAll(open.Keys.Select(job => job.Over)).WaitAsync(limit.Token);
            await TryKeepAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Then they are told as interrupted.
        }
    }

    private void Track(Job job)
    {
        if (job.Kind is JobKind.Fill or JobKind.SetImage)
        {
            return;
        }

        open[job] = false;
        bell.TrySetResult();
        _ = job.Over.ContinueWith(
            static (_, memory) => ((JobMemory)memory!).bell.TrySetResult(), this, CancellationToken.None, TaskContinuationOptions.None,
            TaskScheduler.Default);
    }

    private async Task TryKeepAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var (job, isKnown) in open)
            {
                var status = job.Snapshot();
                if (!jobs.Contains(job.Id))
                {
                    // Forgotten while the storage was away.
                    open.TryRemove(job, out _);
                }
                else if (status.Ended is not null)
                {
                    await journal.WriteAsync(status, cancellationToken);
                    open.TryRemove(job, out _);
                }
                else if (!isKnown)
                {
                    await journal.WriteAsync(status, cancellationToken);
                    open[job] = true;
                }
            }

            jobs.Earlier = await journal.ReadAsync(jobs.Contains, cancellationToken);
        }
        catch (RefusedException)
        {
            // The storage is away, which others say already. It is tried again at the next interval.
        }
    }

    private static TaskCompletionSource NewBell() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
