using StorageHost.Images.Disks;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Images;

/// <summary>The verbs: what a controller or an operator can ask of the daemon.</summary>
internal sealed partial class ImageCacheService(
    IVolume volume,
    IPublisher publisher,
    IRemover remover,
    IDiskCreator creator,
    IHostIndex hosts,
    ITemplateIndex templates,
    PoolTable pools,
    JobTable jobs,
    DiskProvisioner provisioner,
    PoolReconciler reconciler,
    ILogger<ImageCacheService> log)
{
    /// <summary>The names of the templates, sorted.</summary>
    public Task<IReadOnlyList<ImageName>> ListImagesAsync(CancellationToken cancellationToken) =>
        volume.ListTemplatesAsync(cancellationToken);

    /// <summary>
    /// Sets how many ready copies images keep. Nothing is set unless every image may be; the copies are made after the answer.
    /// </summary>
    /// <exception cref="RefusedException">ImageNotFound; ImageRejected; and what the storage says.</exception>
    public async Task<IReadOnlyList<PoolStatus>> SetLevelsAsync(
        IReadOnlyDictionary<ImageName, int> levels, CancellationToken cancellationToken)
    {
        // A level of none needs no template: else that of a template which somebody removed by hand would stay for ever.
        foreach (var image in levels.Where(level => level.Value > 0).Select(level => level.Key))
        {
            await volume.InspectTemplateAsync(image, cancellationToken);
        }

        foreach (var (image, level) in levels)
        {
            await SetLevelAsync(image, level, cancellationToken);
        }

        pools.Ring();
        return [.. levels.Keys.OrderBy(image => image.Text, StringComparer.Ordinal).Select(image => Status(pools.Get(image)))];
    }

    /// <summary>
    /// Publishes a copy of a template as a host's system disk; see <see cref="DiskProvisioner"/>. The same request with the same
    /// key, sent again, has the same outcome.
    /// </summary>
    /// <param name="image">Whose copy.</param>
    /// <param name="hostname">For whom.</param>
    /// <param name="sizeGb">The disk's size in GiB; null: the template's.</param>
    /// <param name="key">What the caller calls the request; null when nothing.</param>
    /// <param name="cancellationToken">The caller goes away.</param>
    public Task<PublishedDisk> SetImageAsync(
        ImageName image, Hostname hostname, int? sizeGb, string? key, CancellationToken cancellationToken) =>
        provisioner.PublishAsync(image, hostname, sizeGb, RequestMark.OfSetImage(key, image, hostname, sizeGb), cancellationToken);

    /// <summary>The same as a job, for a caller who does not wait. What can be refused at once is.</summary>
    public async Task<JobStatus> StartSetImageAsync(
        ImageName image, Hostname hostname, int? sizeGb, string? key, CancellationToken cancellationToken)
    {
        await volume.FindTemplateAsync(image, cancellationToken);
        var mark = RequestMark.OfSetImage(key, image, hostname, sizeGb);
        if (await provisioner.FindAsync(image, hostname, sizeGb, mark, cancellationToken) is null)
        {
            await hosts.RefuseNamesakeAsync(hostname, cancellationToken);
            await provisioner.CheckSizeAsync(image, hostname, sizeGb, mark, cancellationToken);
        }

        var job = jobs.Begin(JobKind.SetImage, image, hostname);
        job.Follow(() => pools.Find(image)?.Job);
        _ = RunAsync();
        return job.Snapshot();

        async Task RunAsync()
        {
            try
            {
                job.Succeed(await SetImageAsync(image, hostname, sizeGb, key, job.Cancelled));
            }
            catch (RefusedException refusal)
            {
                job.Fail(refusal.Reason == Refusal.InvalidSize ? $"the size {refusal.Message}" : refusal.Message, refusal.Reason);
            }
            catch (OperationCanceledException)
            {
                job.EndCancelled();
            }
#pragma warning disable CA1031 // Nobody awaits this: the job carries the failure, and the log its cause.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogJobFailed(exception, job.Id);
                job.Fail("internal error; the log says more");
            }
        }
    }

    /// <summary>Makes an empty data disk of so many GiB; with the key of a request that made one, tells of that one.</summary>
    public async Task<DataDisk> AddStorageAsync(Hostname hostname, int sizeGb, string? key, CancellationToken cancellationToken)
    {
        await hosts.RefuseNamesakeAsync(hostname, cancellationToken);
        var image = await creator.CreateAsync(sizeGb, cancellationToken);
        var disk = await publisher.PublishDataDiskAsync(
            image, hostname, sizeGb, RequestMark.OfAddStorage(key, hostname, sizeGb), cancellationToken);
        hosts.Add(hostname, disk);
        LogAdded(disk, sizeGb);
        return new DataDisk(hostname, disk, sizeGb);
    }

    /// <summary>Deletes a host's system disk and, with <paramref name="purge"/>, its data disks.</summary>
    public async Task<RemovedHost> DeleteHostAsync(Hostname hostname, bool purge, CancellationToken cancellationToken)
    {
        var removed = await remover.RemoveHostAsync(hostname, purge, cancellationToken);
        LogDeleted(string.Join(", ", removed.Removed));
        return removed;
    }

    /// <summary>Deletes one data disk of a host, and nothing else of it.</summary>
    public async Task<RemovedDisk> DeleteDiskAsync(DataDiskEntry disk, CancellationToken cancellationToken)
    {
        var removed = await remover.RemoveDiskAsync(disk, cancellationToken);
        LogDeleted(removed.Disk.Text);
        return removed;
    }

    /// <summary>
    /// Deletes a template, its copies and its level. What is being copied of it is stopped first, once nothing else stands against it.
    /// </summary>
    public async Task<RemovedImage> DeleteImageAsync(ImageName image, CancellationToken cancellationToken)
    {
        await remover.CheckImageAsync(image, cancellationToken);
        var pool = pools.Get(image);
        pool.Closing = true;
        try
        {
            await reconciler.StopCopyingAsync(image, cancellationToken);
            var removed = await remover.RemoveImageAsync(image, cancellationToken);
            templates.Remove(image);
            await ForgetLevelAsync(image);
            pool.SetWanted(0);
            pool.FailWaiters(new RefusedException(Refusal.ImageNotFound, $"the template {image} was deleted"));
            pool.EndJob()?.EndCancelled();
            await publisher.RetireAllAsync(pool.EndScan(null, [], 0, 0), cancellationToken);
            pools.Forget(pool);
            LogDeleted(string.Join(", ", removed.Removed));
            return removed;
        }
        finally
        {
            pool.Closing = false;
            pools.Ring();
        }
    }

    /// <summary>Every image that has a template, copies or a level, sorted.</summary>
    public IReadOnlyList<PoolStatus> ListPools() => [.. pools.All.Where(pool => pool.IsKnown).Select(Status)];

    /// <summary>One pool.</summary>
    /// <exception cref="RefusedException">ImageNotFound.</exception>
    public async Task<PoolStatus> GetPoolAsync(ImageName image, CancellationToken cancellationToken)
    {
        if (pools.Find(image) is not { IsKnown: true })
        {
            await volume.FindTemplateAsync(image, cancellationToken);
        }

        return Status(pools.Get(image));
    }

    /// <summary>The jobs that are remembered, newest first.</summary>
    public IReadOnlyList<JobStatus> ListJobs() => jobs.Snapshots();

    /// <summary>One job.</summary>
    /// <exception cref="RefusedException">JobNotFound.</exception>
    public JobStatus GetJob(string id) => jobs.Snapshot(id);

    /// <summary>
    /// Cancels a job. Cancelling what fills a pool lowers its level to the copies that are ready: else it would begin again at once.
    /// </summary>
    /// <exception cref="RefusedException">JobNotFound; JobConflict when it is over.</exception>
    public async Task<JobStatus> CancelJobAsync(string id, CancellationToken cancellationToken)
    {
        if (jobs.Snapshot(id).Ended is not null)
        {
            throw new RefusedException(Refusal.JobConflict, "the job is over already");
        }

        var job = jobs.Get(id);
        job.Cancel();
        if (job.Kind == JobKind.Fill)
        {
            var pool = pools.Get(job.Image);
            var level = Math.Min(pool.Total, pool.Wanted);
            await WriteLevelAsync(job.Image, level, cancellationToken);
            pool.SetWanted(level);
            pool.EndJob(job);
            job.EndCancelled();
        }

        // A disk that was published just before is not denied: so its job says itself how it ended.
        await job.Over.WaitAsync(cancellationToken);
        pools.Ring();
        return job.Snapshot();
    }

    private static PoolStatus Status(Pool pool)
    {
        var job = pool.Job;
        return new PoolStatus(
            pool.Image, pool.Wanted, pool.Total, job?.CopiesAtOnce ?? 0, pool.Waiting, pool.Claims(ClaimOutcome.Hit),
            pool.Claims(ClaimOutcome.Miss), pool.LastRefill, pool.Template?.Fingerprint, job?.Id, pool.Problem);
    }

    private async Task SetLevelAsync(ImageName image, int level, CancellationToken cancellationToken)
    {
        await WriteLevelAsync(image, level, cancellationToken);
        var pool = pools.Get(image);
        pool.SetWanted(level);
        if (level > pool.Total)
        {
            pool.BeginJob(jobs).Expect(level - pool.Total);
        }

        LogSetLevel(image, level);
    }

    /// <summary>
    /// Writes a level, and takes it back when the template has gone meanwhile. Whoever deletes an image forgets its level once more after
    /// the template: so one of the two sees the other, on whichever nodes they are.
    /// </summary>
    private async Task WriteLevelAsync(ImageName image, int level, CancellationToken cancellationToken)
    {
        await volume.WriteLevelAsync(image, level, cancellationToken);
        if (level > 0)
        {
            try
            {
                await volume.InspectTemplateAsync(image, CancellationToken.None);
            }
            catch (RefusedException exception) when (exception.Reason == Refusal.ImageNotFound)
            {
                await ForgetLevelAsync(image);
                throw;
            }
            catch (RefusedException)
            {
                // It was there just before, and nobody knows better now.
            }
        }
    }

    private async Task ForgetLevelAsync(ImageName image)
    {
        try
        {
            await volume.WriteLevelAsync(image, 0, CancellationToken.None);
        }
        catch (RefusedException exception)
        {
            // What was asked for is done; a level without a template makes no copy, and can be set to 0.
            LogLevelStays(image, exception.Message);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The level of {Image}, which has no template any more, cannot be forgotten now: {Reason}")]
    private partial void LogLevelStays(ImageName image, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Added the data disk {Disk} of {SizeGb} GiB")]
    private partial void LogAdded(FileName disk, int sizeGb);

    [LoggerMessage(Level = LogLevel.Information, Message = "Deleted {Files}")]
    private partial void LogDeleted(string files);

    [LoggerMessage(Level = LogLevel.Information, Message = "The pool of {Image} is to hold {Wanted} copies")]
    private partial void LogSetLevel(ImageName image, int wanted);

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Job} failed")]
    private partial void LogJobFailed(Exception exception, string job);
}
