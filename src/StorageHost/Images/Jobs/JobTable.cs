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

    /// <summary>All that are remembered, newest first.</summary>
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

        return job;
    }

    /// <summary>One job.</summary>
    /// <exception cref="RefusedException">JobNotFound.</exception>
    public Job Get(string id) =>
        jobs.GetValueOrDefault(id) ?? throw new RefusedException(Refusal.JobNotFound, "there is no such job, or it ended long ago");
}
