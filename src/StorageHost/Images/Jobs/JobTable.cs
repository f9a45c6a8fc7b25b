using System.Collections.Concurrent;
using System.Security.Cryptography;
using StorageHost.Images.Names;

namespace StorageHost.Images.Jobs;

/// <summary>The jobs that run, and the last ones that ended.</summary>
internal sealed class JobTable(TimeProvider time)
{
    private const int Remembered = 500;

    private readonly ConcurrentQueue<Job> order = new();
    private readonly ConcurrentDictionary<string, Job> jobs = new(StringComparer.Ordinal);

    private volatile IReadOnlyList<JobStatus> earlier = [];

    /// <summary>Told of each job that begins.</summary>
    public Action<Job>? Begun { get; set; }

    /// <summary>Jobs of other daemons, and of this one before it was started, that the volume remembers.</summary>
    public IReadOnlyList<JobStatus> Earlier
    {
        get => earlier;
        set => earlier = value;
    }

    /// <summary>All of this daemon's that are remembered, newest first.</summary>
    public IReadOnlyList<Job> All => [.. order.Reverse()];

    public Job Begin(JobKind kind, ImageName image, Hostname? hostname = null)
    {
        var job = new Job(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), kind, image, hostname, time);
        jobs[job.Id] = job;
        order.Enqueue(job);

        // A job that still runs goes to the end of the queue rather than being forgotten.
        for (var excess = order.Count - Remembered; excess > 0 && order.TryDequeue(out var oldest); excess--)
        {
            if (oldest.IsOver)
            {
                jobs.TryRemove(oldest.Id, out _);
                oldest.Dispose();
            }
            else
            {
                order.Enqueue(oldest);
            }
        }

        Begun?.Invoke(job);
        return job;
    }

    /// <summary>Whether one is this daemon's.</summary>
    public bool Contains(string id) => jobs.ContainsKey(id);

    /// <summary>All as they are now, newest first.</summary>
    public IReadOnlyList<JobStatus> Snapshots()
    {
        JobStatus[] own = [.. All.Select(job => job.Snapshot())];
        return earlier is [] ? own
            : [.. own.Concat(earlier.ExceptBy(own.Select(job => job.Id), job => job.Id, StringComparer.Ordinal))
                .OrderByDescending(job => job.Created)];
    }

    /// <summary>One as it is now.</summary>
    /// <exception cref="RefusedException">JobNotFound.</exception>
    public JobStatus Snapshot(string id) =>
        jobs.GetValueOrDefault(id)?.Snapshot() ?? earlier.FirstOrDefault(job => job.Id == id) ?? Get(id).Snapshot();

    /// <summary>One job.</summary>
    /// <exception cref="RefusedException">JobNotFound.</exception>
    public Job Get(string id) =>
        jobs.GetValueOrDefault(id) ?? throw new RefusedException(Refusal.JobNotFound, "there is no such job, or it ended long ago");
}
