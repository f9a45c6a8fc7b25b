using StorageHost.Images.Jobs;

namespace StorageHost.Images.Ports;

/// <summary>Remembers jobs on the volume, for all daemons there (port; implemented in Files).</summary>
internal interface IJobJournal
{
    /// <summary>So many jobs that ended are remembered on a volume.</summary>
    public const int Most = 500;

    /// <summary>Remembers a job as it is: that it runs, or how it ended.</summary>
    Task WriteAsync(JobStatus job, CancellationToken cancellationToken);

    /// <summary>
    /// The jobs that ended, whichever daemon ran them, in no order. One whose daemon died before it had ended is told as failed from then
    /// on; the oldest above <see cref="Most"/> are forgotten.
    /// </summary>
    /// <param name="isOurs">Whether this daemon itself runs a job.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<IReadOnlyList<JobStatus>> ReadAsync(Func<string, bool> isOurs, CancellationToken cancellationToken);
}
