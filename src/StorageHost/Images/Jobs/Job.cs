using StorageHost.Images.Names;

namespace StorageHost.Images.Jobs;

/// <summary>Long work that can be watched and cancelled.</summary>
internal sealed class Job(string id, JobKind kind, ImageName image, Hostname? hostname, TimeProvider time) : IDisposable
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource cancellation = new();
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly DateTimeOffset created = time.GetUtcNow();
    private JobState state = JobState.Queued;
    private long? started;
    private TimeSpan? took;
    private DateTimeOffset? ended;
    private int copiesDone;
    private int copiesExpected = 1;
    private int copiesAtOnce;
    private long position;
    private long length;
    private string? error;
    private Refusal? refusal;
    private PublishedDisk? disk;
    private Func<Job?>? followed;

    public string Id => id;

    public JobKind Kind => kind;

    public ImageName Image => image;

    /// <summary>How many copies are in the making.</summary>
    public int CopiesAtOnce => copiesAtOnce;

    /// <summary>What the pass that runs has still to write, in copies.</summary>
    public double CopiesLeft
    {
        get
        {
            lock (gate)
            {
                return length == 0 ? copiesAtOnce : copiesAtOnce * (1 - (position / (double)length));
            }
        }
    }

    /// <summary>How far the pass that runs has read, and how far it is to read; in bytes.</summary>
    public (long At, long Of) Position
    {
        get
        {
            lock (gate)
            {
                return copiesAtOnce > 0 ? (position, length) : default;
            }
        }
    }

    public bool IsOver => ended is not null;

    /// <summary>Completes when it is over.</summary>
    public Task Over => over.Task;

    /// <summary>Cancelled when a client cancels the job.</summary>
    public CancellationToken Cancelled => cancellation.Token;

    public void Cancel() => cancellation.Cancel();

    /// <summary>A pass over the template began.</summary>
    public void BeginPass(int copies, long templateBytes) => Change(() =>
    {
        state = JobState.Running;
        started ??= time.GetTimestamp();
        (copiesAtOnce, length, position, error, refusal) = (copies, templateBytes, 0, null, null);
    });

    /// <summary>The pass has got that far.</summary>
    public void Progress(long bytes) => Change(() => position = bytes);

    /// <summary>The same, of a length that is found out on the way.</summary>
    public void Progress(long bytes, long of) => Change(() => (position, length) = (bytes, of));

    /// <summary>The pass ended with that many copies.</summary>
    public void EndPass(int copies) => Change(() => (copiesDone, copiesAtOnce, position) = (copiesDone + copies, 0, 0));

    /// <summary>So many copies are still to be made.</summary>
    public void Expect(int copies) => Change(() => copiesExpected = copies);

    /// <summary>Something is in the way; it will be tried again. Null when nothing is any more.</summary>
    public void Hinder(string? reason) => Change(() => (error, refusal) = (reason, null));

    /// <summary>Ends a filling that has come to rest: the level was reached, or there was nothing left to do for it.</summary>
    public void Conclude(bool levelReached) => Change(() =>
        EndNow(error is not null ? JobState.Failed : levelReached || copiesDone > 0 ? JobState.Succeeded : JobState.Cancelled));

    public void Succeed(PublishedDisk? published = null) => End(JobState.Succeeded, null, published);

    /// <summary>It failed.</summary>
    /// <param name="reason">Why, in words.</param>
    /// <param name="kind">The same for programs; null when it is none of what requests are refused for.</param>
    public void Fail(string reason, Refusal? kind = null) => Change(() =>
    {
        (error, refusal) = (reason, kind);
        EndNow(JobState.Failed);
    });

    public void EndCancelled() => End(JobState.Cancelled, null, null);

    /// <summary>Shows the progress of another job, which makes this one's copy, as its own.</summary>
    public void Follow(Func<Job?> maker) => Change(() => followed = maker);

    /// <summary>The job as it is now.</summary>
    public JobStatus Snapshot()
    {
        var (at, of) = followed?.Invoke()?.Position ?? default;
        lock (gate)
        {
            if (of > 0 && ended is null)
            {
                (state, position, length, copiesAtOnce) = (JobState.Running, at, of, 1);
                started ??= time.GetTimestamp();
            }

            var total = copiesDone + (ended is null ? Math.Max(copiesExpected, copiesAtOnce) : 0);
            var bytesDone = (copiesDone * length) + (copiesAtOnce * position);
            var bytesTotal = total * length;
            var elapsed = took ?? Elapsed;
            var rate = elapsed <= TimeSpan.Zero ? 0 : (long)(bytesDone / elapsed.TotalSeconds);
            TimeSpan? eta = ended is null && rate > 0 ? TimeSpan.FromSeconds((bytesTotal - bytesDone) / (double)rate) : null;
            return new JobStatus(
                id, kind, image, hostname, state, copiesDone, total, bytesDone, bytesTotal, rate, eta, error, disk, created, ended)
            {
                Refusal = refusal,
            };
        }
    }

    public void Dispose() => cancellation.Dispose();

    private TimeSpan Elapsed => started is { } at ? time.GetElapsedTime(at) : TimeSpan.Zero;

    private void End(JobState final, string? reason, PublishedDisk? published) => Change(() =>
    {
        (error, disk) = (reason, published);
        copiesDone = published is null ? copiesDone : 1;
        EndNow(final);
    });

    private void EndNow(JobState final)
    {
        (state, copiesAtOnce, ended, took) = (final, 0, time.GetUtcNow(), Elapsed);
        over.TrySetResult();
    }

    private void Change(Action change)
    {
        lock (gate)
        {
            if (ended is null)
            {
                change();
            }
        }
    }
}
