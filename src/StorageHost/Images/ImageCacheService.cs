namespace StorageHost.Images;

/// <summary>The verbs of the daemon.</summary>
internal sealed class ImageCacheService
{
    /// <summary>The templates, sorted.</summary>
    public Task<IReadOnlyList<ImageName>> ListImagesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Sets wanted levels; answers at once.</summary>
    public Task<IReadOnlyList<PoolStatus>> SetLevelsAsync(IReadOnlyDictionary<ImageName, int> levels, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Publishes a disk; waits until it is whole and durable.</summary>
    public Task<PublishedDisk> SetImageAsync(ImageName image, Hostname hostname, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>The same as a job, for a caller who does not wait.</summary>
    public JobStatus StartSetImage(ImageName image, Hostname hostname) => throw new NotSupportedException();

    /// <summary>Makes a data disk.</summary>
    public Task<DataDisk> AddStorageAsync(Hostname hostname, int sizeGb, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Deletes the system disk and, with purge, the data disks.</summary>
    public Task<RemovedHost> DeleteHostAsync(Hostname hostname, bool purge, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Deletes a template, its copies and its wanted level.</summary>
    public Task<RemovedImage> DeleteImageAsync(ImageName image, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>All pools (images with a template, copies or a level), sorted by image.</summary>
    public Task<IReadOnlyList<PoolStatus>> ListPoolsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>One pool; refuses with ImageNotFound.</summary>
    public Task<PoolStatus> GetPoolAsync(ImageName image, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>All jobs that are remembered, newest first.</summary>
    public IReadOnlyList<JobStatus> ListJobs() => throw new NotSupportedException();

    /// <summary>One job; refuses with JobNotFound.</summary>
    public JobStatus GetJob(string id) => throw new NotSupportedException();

    /// <summary>Cancels a job; refuses with JobNotFound, or JobConflict when it is over.</summary>
    public Task<JobStatus> CancelJobAsync(string id, CancellationToken cancellationToken) => throw new NotSupportedException();
}
