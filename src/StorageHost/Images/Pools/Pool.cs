using System.Diagnostics;
using StorageHost.Images.Disks;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Pools;

/// <summary>
/// What this daemon knows of one image's pool: an index of the ready copies, those it has claimed ahead, and the callers who wait for the
/// next one. Nothing here touches the storage, so its lock is never held for longer than a few instructions.
/// </summary>
internal sealed class Pool
{
    private readonly Lock gate = new();
    private readonly Dictionary<int, Copy> ready = [];
    private readonly Queue<Claim> held = [];
    private readonly WaitingCallers waiting;
    private HashSet<int>? addedDuringScan;
    private volatile int heldElsewhere;
    private volatile PoolProblem? problem;
    private volatile bool isInDoubt;
    private bool levelSetDuringScan;
    private bool isForgotten;
    private readonly long[] claims = new long[ImageMetrics.Ends.Count];
    private long failures;

    public Pool(ImageName image)
    {
        Image = image;
        waiting = new WaitingCallers(gate);
    }

    public ImageName Image { get; }

    /// <summary>The level to keep.</summary>
    public int Wanted { get; private set; }

    /// <summary>The template as last seen; null when there is none.</summary>
    public Template? Template { get; private set; }

    /// <summary>The template is being deleted: nothing is copied any more.</summary>
    public bool Closing { get; set; }

    /// <summary>The job that fills it; null when none does.</summary>
    public Job? Job { get; private set; }

    /// <summary>What keeps it from being filled just now; null when nothing does.</summary>
    public PoolProblem? Problem => isInDoubt ? null : problem;

    /// <summary>When a copy was last added.</summary>
    public DateTimeOffset? LastRefill { get; set; }

    /// <summary>How many copies can be handed out at once: those in the pool, and those claimed ahead.</summary>
    public int Ready => Locked(() => ready.Count + held.Count);

    /// <summary>How many copies are ready on the volume: these, and those that other daemons have claimed.</summary>
    public int Total => Ready + heldElsewhere;

    /// <summary>How many of the ready copies this daemon has claimed ahead.</summary>
    public int Held => Locked(() => held.Count);

    /// <summary>When a caller last asked for a copy, as a time stamp that no change of the clock moves; null when nobody did.</summary>
    public long? LastAsked { get; set; }

    public int Waiting => Locked(() => waiting.Count);

    /// <summary>The traces of the callers who wait, the longest first; without those that have none.</summary>
    public IReadOnlyList<ActivityContext> WaitingTraces => Locked(() => waiting.Traces);

    /// <summary>Whether there is anything of the image: a template, copies or a level.</summary>
    public bool IsKnown => Template is not null || Wanted > 0 || Ready > 0;

    /// <summary>How often copying has failed.</summary>
    public long Failures => Interlocked.Read(ref failures);

    /// <summary>How many claims have ended so.</summary>
    public long Claims(ClaimOutcome end) => Interlocked.Read(ref claims[(int)end]);

    public void Count(ClaimOutcome end) => Interlocked.Increment(ref claims[(int)end]);

    public void CountFailure() => Interlocked.Increment(ref failures);

    /// <summary>Notes what keeps it from being filled. The same as before goes on.</summary>
    public void Hinder(PoolProblem by)
    {
        problem = problem is { } before && by.IsSameAs(before) ? by with { Since = before.Since } : by;

        isInDoubt = false;
    }

    /// <summary>It is being filled: unless the same is noted once more, what kept it from that is gone.</summary>
    public void DoubtProblem() => isInDoubt = true;

    /// <summary>What kept it from being filled is gone.</summary>
    public void Unhinder() => problem = null;

    /// <summary>
    /// Takes a copy out of the index, or a place in the queue for the next one: never neither, so that no copy is missed between.
    /// </summary>
    /// <returns>A copy; or a wait, which ends with a claim for this caller, or with null when it should try again.</returns>
    public (Copy? Copy, Task<Claim?>? Next) TakeOrWait(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (TakeHeldLocked() is { } claim)
            {
                return (null, Task.FromResult<Claim?>(claim));
            }

            if (TakeLocked() is { } copy)
            {
                return (copy, null);
            }

            return (null, isForgotten ? Task.FromResult<Claim?>(null) : waiting.Add(cancellationToken));
        }
    }

    /// <summary>Takes a copy out of the index, to claim or delete it; null when there is none.</summary>
    public Copy? Take() => Locked(TakeLocked);

    /// <summary>Takes a copy that was claimed ahead; null when there is none.</summary>
    public Claim? TakeHeld() => Locked(TakeHeldLocked);

    /// <summary>Keeps a claim for the next caller, or gives it to the one who has waited longest.</summary>
    public void Hold(Claim claim)
    {
        lock (gate)
        {
            if (!waiting.TryHandOver(claim))
            {
                held.Enqueue(claim);
            }
        }
    }

    /// <summary>Puts a copy into the index.</summary>
    public void Put(Copy copy)
    {
        lock (gate)
        {
            ready[copy.Number] = copy;
            addedDuringScan?.Add(copy.Number);
            waiting.Wake(1);
        }
    }

    /// <summary>Gives a claim to the caller who has waited longest; false when nobody waits.</summary>
    public bool TryHandOver(Claim claim) => Locked(() => waiting.TryHandOver(claim));

    /// <summary>Tells everyone who waits that there will be no copy.</summary>
    public void FailWaiters(Exception reason)
    {
        lock (gate)
        {
            waiting.Fail(reason);
        }
    }

    /// <summary>Sets the level, which was written to the volume before.</summary>
    public void SetWanted(int level)
    {
        lock (gate)
        {
            Wanted = level;
            levelSetDuringScan = true;
        }
    }

    /// <summary>The job that fills it, which begins now if there is none.</summary>
    public Job BeginJob(JobTable jobs)
    {
        lock (gate)
        {
            return Job ??= jobs.Begin(JobKind.Fill, Image);
        }
    }

    /// <summary>Takes the job away, to end it; null when there is none, or another one than is meant.</summary>
    public Job? EndJob(Job? only = null)
    {
        lock (gate)
        {
            var job = only is null || only == Job ? Job : null;
            Job = job is null ? Job : null;
            return job;
        }
    }

    /// <summary>To be called before a scan: what is changed here while it reads is newer than what it will have seen.</summary>
    public void BeginScan()
    {
        lock (gate)
        {
            addedDuringScan = [];
            levelSetDuringScan = false;
        }
    }

    /// <summary>Makes the index what a scan found. A copy that was taken meanwhile is found gone by whoever takes it next.</summary>
    /// <returns>Held claims that are stale now; they are the caller's.</returns>
    public IReadOnlyList<Claim> EndScan(Template? template, IEnumerable<Copy> found, int elsewhere, int level)
    {
        lock (gate)
        {
            var stale = new List<Claim>();
            for (var count = held.Count; count > 0 && TakeHeldLocked() is { } claim; count--)
            {
                if (claim.MadeFrom.Template == template?.Fingerprint)
                {
                    held.Enqueue(claim);
                }
                else
                {
                    stale.Add(claim);
                }
            }

            var added = ready.Where(entry => addedDuringScan?.Contains(entry.Key) == true).ToArray();
            ready.Clear();
            foreach (var copy in found.Concat(added.Select(entry => entry.Value)))
            {
                ready[copy.Number] = copy;
            }

            if (Template?.Fingerprint != template?.Fingerprint)
            {
                // It was about a template that is not there any more.
                problem = null;
            }

            Template = template;
            heldElsewhere = elsewhere;
            Wanted = levelSetDuringScan ? Wanted : level;
            addedDuringScan = null;
            waiting.Wake(ready.Count);
            return stale;
        }
    }

    /// <summary>Ends its use if nothing is in it and nobody waits. Who got hold of it before is sent back for its successor.</summary>
    public bool TryForget()
    {
        lock (gate)
        {
            return isForgotten |= ready.Count == 0 && held.Count == 0 && waiting.Count == 0 && Wanted == 0 && Job is null;
        }
    }

    private T Locked<T>(Func<T> work)
    {
        lock (gate)
        {
            return work();
        }
    }

    private Copy? TakeLocked()
    {
        foreach (var copy in ready.Values)
        {
            ready.Remove(copy.Number);
            return copy;
        }

        return null;
    }

    private Claim? TakeHeldLocked()
    {
        while (held.TryDequeue(out var claim))
        {
            if (!claim.File.IsLost)
            {
                return claim;
            }

            claim.Dispose();
        }

        return null;
    }
}
