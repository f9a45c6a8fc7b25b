using Microsoft.Extensions.Options;

namespace StorageHost.Images;

/// <summary>The verbs: what a controller or an operator can ask of the daemon.</summary>
internal sealed partial class ImageCacheService(
    IVolume volume,
    IPublisher publisher,
    IRemover remover,
    IDiskCreator creator,
    Pools pools,
    Jobs jobs,
    PoolReconciler reconciler,
    IOptions<PoolOptions> options,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<ImageCacheService> log)
{
    /// <summary>The names of the templates, sorted.</summary>
    public Task<IReadOnlyList<ImageName>> ListImagesAsync(CancellationToken cancellationToken) => volume.ListTemplatesAsync(cancellationToken);

    /// <summary>Sets how many ready copies images keep. Nothing is set unless every image may be; the copies are made after the answer.</summary>
    /// <exception cref="RefusedException">ImageNotFound; ImageRejected; and what the storage says.</exception>
    public async Task<IReadOnlyList<PoolStatus>> SetLevelsAsync(IReadOnlyDictionary<ImageName, int> levels, CancellationToken cancellationToken)
    {
        foreach (var (image, level) in levels)
        {
            await (level > 0 ? volume.InspectTemplateAsync(image, cancellationToken) : volume.FindTemplateAsync(image, cancellationToken));
        }

        foreach (var (image, level) in levels)
        {
            await SetLevelAsync(image, level, cancellationToken);
        }

        pools.Ring();
        return [.. levels.Keys.OrderBy(image => image.Text, StringComparer.Ordinal).Select(image => Status(pools.Get(image)))];
    }

    /// <summary>
    /// Publishes a copy of a template as a host's system disk: from the pool, or, when no copy is ready, the next one that is made. Returns
    /// when the disk is whole and durable. If the caller goes away before, nothing stays under the hostname.
    /// </summary>
    /// <exception cref="RefusedException">ImageNotFound, HostExists, ImageRejected, TooManyRequests, NoSpace, ShuttingDown, and what the storage says.</exception>
    public async Task<PublishedDisk> SetImageAsync(ImageName image, Hostname hostname, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(options.Value.WaitTimeout, time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token, lifetime.ApplicationStopping);
        var started = time.GetTimestamp();
        try
        {
            var disk = await PublishAsync(image, hostname, patience.Token, cancellationToken);
            LogPublished(disk.Disk, image, disk.Source, time.GetElapsedTime(started).TotalMilliseconds);
            return disk;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw lifetime.ApplicationStopping.IsCancellationRequested ? ShuttingDown()
                : new RefusedException(Refusal.StorageTimeout, $"no copy of {image} was made within {options.Value.WaitTimeout}");
        }
        finally
        {
            // A copy is missing now, or a caller who waited is gone.
            pools.Ring();
        }
    }

    /// <summary>The same as a job, for a caller who does not wait. What can be refused at once is.</summary>
    public async Task<JobStatus> StartSetImageAsync(ImageName image, Hostname hostname, CancellationToken cancellationToken)
    {
        await volume.FindTemplateAsync(image, cancellationToken);
        await RefuseTakenAsync(hostname, cancellationToken);
        var job = jobs.Begin(JobKind.SetImage, image, hostname);
        _ = RunAsync();
        return job.Snapshot();

        async Task RunAsync()
        {
            try
            {
                job.Succeed(await SetImageAsync(image, hostname, job.Cancelled));
            }
            catch (RefusedException refusal)
            {
                job.Fail(refusal.Message);
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

    /// <summary>Makes an empty data disk of so many GiB.</summary>
    public async Task<DataDisk> AddStorageAsync(Hostname hostname, int sizeGb, CancellationToken cancellationToken)
    {
        var file = await publisher.NewDiskAsync(cancellationToken);
        try
        {
            await creator.CreateAsync(file, sizeGb, cancellationToken);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        var disk = await publisher.PublishDataDiskAsync(file, hostname, sizeGb, cancellationToken);
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

    /// <summary>Deletes a template, its copies and its level. What is being copied of it is stopped first, once nothing else stands against it.</summary>
    public async Task<RemovedImage> DeleteImageAsync(ImageName image, CancellationToken cancellationToken)
    {
        await remover.CheckImageAsync(image, cancellationToken);
        var pool = pools.Get(image);
        pool.Closing = true;
        try
        {
            await reconciler.StopCopyingAsync(image, cancellationToken);
            var removed = await remover.RemoveImageAsync(image, cancellationToken);
            pool.SetWanted(0);
            pool.FailWaiters(new RefusedException(Refusal.ImageNotFound, $"the template {image} was deleted"));
            pool.EndJob()?.EndCancelled();
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
    public IReadOnlyList<PoolStatus> ListPools() => [.. pools.All.Where(IsKnown).Select(Status)];

    /// <summary>One pool.</summary>
    /// <exception cref="RefusedException">ImageNotFound.</exception>
    public async Task<PoolStatus> GetPoolAsync(ImageName image, CancellationToken cancellationToken)
    {
        if (pools.Find(image) is not { } pool || !IsKnown(pool))
        {
            await volume.FindTemplateAsync(image, cancellationToken);
        }

        return Status(pools.Get(image));
    }

    /// <summary>The jobs that are remembered, newest first.</summary>
    public IReadOnlyList<JobStatus> ListJobs() => [.. jobs.All.Select(job => job.Snapshot())];

    /// <summary>One job.</summary>
    /// <exception cref="RefusedException">JobNotFound.</exception>
    public JobStatus GetJob(string id) => jobs.Get(id).Snapshot();

    /// <summary>Cancels a job. Cancelling what fills a pool lowers its level to the copies that are ready: else it would begin again at once.</summary>
    /// <exception cref="RefusedException">JobNotFound; JobConflict when it is over.</exception>
    public async Task<JobStatus> CancelJobAsync(string id, CancellationToken cancellationToken)
    {
        var job = jobs.Get(id);
        if (job.IsOver)
        {
            throw new RefusedException(Refusal.JobConflict, "the job is over already");
        }

        job.Cancel();
        if (job.Kind == JobKind.Fill)
        {
            var pool = pools.Get(job.Image);
            var level = Math.Min(pool.Ready, pool.Wanted);
            await volume.WriteLevelAsync(job.Image, level, cancellationToken);
            pool.SetWanted(level);
            pool.EndJob();
            job.EndCancelled();
        }

        // A disk that was published just before is not denied: so its job says itself how it ended.
        await job.Over.WaitAsync(cancellationToken);
        pools.Ring();
        return job.Snapshot();
    }

    private static bool IsKnown(Pool pool) => pool is { Template: not null } or { Wanted: > 0 } or { Ready: > 0 };

    private static PoolStatus Status(Pool pool)
    {
        var job = pool.Job;
        var (hits, misses) = pool.Claims;
        return new PoolStatus(
            pool.Image, pool.Wanted, pool.Ready, job?.CopiesAtOnce ?? 0, pool.Waiting, hits, misses, pool.LastRefill, pool.Template?.Fingerprint, job?.Id, pool.Problem);
    }

    private async Task SetLevelAsync(ImageName image, int level, CancellationToken cancellationToken)
    {
        await volume.WriteLevelAsync(image, level, cancellationToken);
        var pool = pools.Get(image);
        pool.SetWanted(level);
        if (level > pool.Ready)
        {
            pool.BeginJob(jobs).Expect(level - pool.Ready);
        }

        LogLevel(image, level);
    }

    private async Task<PublishedDisk> PublishAsync(ImageName image, Hostname hostname, CancellationToken patience, CancellationToken cancellationToken)
    {
        var template = await volume.FindTemplateAsync(image, cancellationToken);
        var waited = false;
        while (true)
        {
            var pool = pools.Get(image);
            var copy = pool.Take();
            Task<Claim?>? next = null;
            if (copy is null)
            {
                await RefuseMissAsync(hostname, cancellationToken);
                (copy, next) = pool.TakeOrWait(patience);
                pools.Ring();
            }

            Claim? claim = null;
            if (next is not null)
            {
                waited = true;
                claim = await next;
                template = await FindTemplateAsync(image, claim, cancellationToken);
            }

            var result = copy is not null ? await PublishCopyAsync(pool, copy, template, hostname, cancellationToken)
                : claim is not null ? await publisher.PublishAsync(claim, template, hostname, cancellationToken)
                : null;
            if (result?.Returned is { } returned)
            {
                pool.Put(returned);
            }

            switch (result?.Outcome)
            {
                case ClaimOutcome.Published:
                    pool.Count(isHit: !waited);
                    return new PublishedDisk(hostname, image, result.Disk, waited ? DiskSource.Copy : DiskSource.Pool);
                case ClaimOutcome.HostExists:
                    throw Taken(result.Disk);
                case ClaimOutcome.Stale:
                    // Or the template that it was compared with is: then the next copy would be thrown away for nothing, too.
                    template = await volume.FindTemplateAsync(image, cancellationToken);
                    break;
            }
        }
    }

    private async Task<Template> FindTemplateAsync(ImageName image, Claim? held, CancellationToken cancellationToken)
    {
        try
        {
            return await volume.FindTemplateAsync(image, cancellationToken);
        }
        catch
        {
            held?.File.Dispose();
            throw;
        }
    }

    private async Task<ClaimResult> PublishCopyAsync(Pool pool, Copy copy, Template template, Hostname hostname, CancellationToken cancellationToken)
    {
        try
        {
            return await publisher.PublishAsync(copy, template, hostname, cancellationToken);
        }
        catch
        {
            // It may still be in its place; whoever takes it next will see.
            pool.Put(copy);
            throw;
        }
    }

    private async Task RefuseMissAsync(Hostname hostname, CancellationToken cancellationToken)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw ShuttingDown();
        }

        if (pools.Waiting >= options.Value.MaxWaiting)
        {
            throw new RefusedException(Refusal.TooManyRequests, $"{options.Value.MaxWaiting} callers wait for copies already");
        }

        await RefuseTakenAsync(hostname, cancellationToken);
    }

    private async Task RefuseTakenAsync(Hostname hostname, CancellationToken cancellationToken)
    {
        if (await volume.FindSystemDiskAsync(hostname, cancellationToken) is { } disk)
        {
            throw Taken(disk);
        }
    }

    private static RefusedException ShuttingDown() => new(Refusal.ShuttingDown, "the daemon is stopping");

    private static RefusedException Taken(FileName disk) => new(Refusal.HostExists, $"{disk} already exists");

    [LoggerMessage(Level = Microsoft.Extensions.Logging.LogLevel.Information, Message = "Published {Disk} from {Image}, source {Source}, in {Elapsed:0.0} ms")]
    private partial void LogPublished(FileName disk, ImageName image, DiskSource source, double elapsed);

    [LoggerMessage(Level = Microsoft.Extensions.Logging.LogLevel.Information, Message = "Added the data disk {Disk} of {SizeGb} GiB")]
    private partial void LogAdded(FileName disk, int sizeGb);

    [LoggerMessage(Level = Microsoft.Extensions.Logging.LogLevel.Information, Message = "Deleted {Files}")]
    private partial void LogDeleted(string files);

    [LoggerMessage(Level = Microsoft.Extensions.Logging.LogLevel.Information, Message = "The pool of {Image} is to hold {Wanted} copies")]
    private partial void LogLevel(ImageName image, int wanted);

    [LoggerMessage(Level = Microsoft.Extensions.Logging.LogLevel.Error, Message = "Job {Job} failed")]
    private partial void LogJobFailed(Exception exception, string job);
}
