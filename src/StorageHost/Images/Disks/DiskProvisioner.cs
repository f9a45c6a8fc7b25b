using Microsoft.Extensions.Options;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Disks;

/// <summary>Gives a host its system disk: from the pool, or, when no copy is ready, the next one that is made.</summary>
internal sealed partial class DiskProvisioner(
    IVolume volume, IPublisher publisher, IHostIndex hosts, PoolTable pools, ForegroundGate gate, IOptions<PoolOptions> options,
    IHostApplicationLifetime lifetime, ImageMetrics metrics, TimeProvider time, ILogger<DiskProvisioner> log)
{
    /// <summary>
    /// Publishes a copy of a template. A caller who goes away before the disk has its name leaves nothing; one who goes later leaves the
    /// disk.
    /// </summary>
    /// <param name="image">Whose copy.</param>
    /// <param name="hostname">For whom.</param>
    /// <param name="sizeGb">The disk's size in GiB; null: the template's.</param>
    /// <param name="mark">The request; when the host has the disk that it was made for already, that is the answer. Null: it has no
    /// name.</param>
    /// <param name="cancellationToken">The caller goes away.</param>
    /// <exception cref="RefusedException">ImageNotFound, HostExists, ImageRejected, TooManyRequests, NoSpace, ShuttingDown, and what the
    /// storage says.</exception>
    public async Task<PublishedDisk> PublishAsync(
        ImageName image, Hostname hostname, int? sizeGb, RequestMark? mark, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var span = Spans.OfClaim(image, hostname);
        try
        {
            if (mark is not null && await FindAsync(image, hostname, sizeGb, mark, cancellationToken) is { } there)
            {
                pools.Find(image)?.Count(ClaimOutcome.Repeated);
                Conclude(ClaimOutcome.Repeated);
                return there;
            }

            await hosts.RefuseNamesakeAsync(hostname, cancellationToken);
            await CheckSizeAsync(image, hostname, sizeGb, mark, cancellationToken);
            var disk = await TryPublishReadyAsync(image, hostname, sizeGb, mark, cancellationToken)
                ?? await PublishNextAsync(image, hostname, sizeGb, mark, cancellationToken);
            hosts.Add(hostname, disk.Disk);
            LogPublished(disk.Disk, image, disk.Source, time.GetElapsedTime(started).TotalMilliseconds);
            Conclude(disk.Source == DiskSource.Pool ? ClaimOutcome.Hit : ClaimOutcome.Miss);

            // A copy is missing now.
            pools.Ring();
            return disk;
        }
        catch (Exception exception)
        {
            var end = exception switch
            {
                RefusedException { Reason: Refusal.HostExists } => ClaimOutcome.Conflict,
                OperationCanceledException => ClaimOutcome.Abandoned,
                _ => ClaimOutcome.Failed,
            };
            pools.Find(image)?.Count(end);
            Conclude(end, end == ClaimOutcome.Failed ? exception : null);
            throw;
        }

        void Conclude(ClaimOutcome end, Exception? fault = null)
        {
            metrics.Claimed(end, time.GetElapsedTime(started));
            span.End(ImageMetrics.Ends[(int)end], fault);
        }
    }

    /// <summary>A host's system disk that was made for this very request; null when the host has none.</summary>
    /// <exception cref="RefusedException">HostExists: it has one that was not.</exception>
    public async Task<PublishedDisk?> FindAsync(
        ImageName image, Hostname hostname, int? sizeGb, RequestMark? mark, CancellationToken cancellationToken) =>
        await publisher.FindAsync(hostname, mark, cancellationToken) is { } found
            ? DiskOf(image, hostname, sizeGb, found, DiskSource.Pool)
            : null;

    /// <summary>
    /// Refuses a size before a copy is taken for it. What has grown cannot go back to its pool, so none is spent on a host that has its
    /// disk already.
    /// </summary>
    /// <exception cref="RefusedException">InvalidSize, ImageRejected, HostExists; and what the storage says.</exception>
    public async ValueTask CheckSizeAsync(
        ImageName image, Hostname hostname, int? sizeGb, RequestMark? mark, CancellationToken cancellationToken)
    {
        if (sizeGb is not { } size)
        {
            return;
        }

        await publisher.CheckSizeAsync(image, size, cancellationToken);
        if (hosts.IsKnown(hostname))
        {
            await FindAsync(image, hostname, sizeGb, mark, cancellationToken);
        }
    }

    private async Task<PublishedDisk?> TryPublishReadyAsync(
        ImageName image, Hostname hostname, int? sizeGb, RequestMark? mark, CancellationToken cancellationToken)
    {
        if (pools.Find(image) is not { } pool)
        {
            return null;
        }

        using var urgent = gate.Enter();
        pool.LastAsked = time.GetTimestamp();
        while (await NextReadyAsync(pool, cancellationToken) is { } claim)
        {
            if (await PublishAsync(claim, hostname, sizeGb, mark, DiskSource.Pool, cancellationToken) is { } disk)
            {
                return disk;
            }
        }

        return null;
    }

    /// <summary>A claim of a ready copy, made ahead or now; null when no copy is ready.</summary>
    private async Task<Claim?> NextReadyAsync(Pool pool, CancellationToken cancellationToken)
    {
        var claim = pool.TakeHeld();
        while (claim is null && pool.Take() is { } copy)
        {
            claim = await ClaimAsync(pool, copy, cancellationToken);
        }

        return claim;
    }

    private async Task<PublishedDisk> PublishNextAsync(
        ImageName image, Hostname hostname, int? sizeGb, RequestMark? mark, CancellationToken cancellationToken)
    {
        await volume.FindTemplateAsync(image, cancellationToken);
        if (await FindAsync(image, hostname, sizeGb, mark, cancellationToken) is { } there)
        {
            return there;
        }

        using var place = pools.EnterQueue(options.Value.MaxWaiting);
        using var late = new CancellationTokenSource(options.Value.WaitTimeout, time);
        using var stopWaiting = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken, late.Token, lifetime.ApplicationStopping);
        while (true)
        {
            var pool = pools.Get(image);
            if (await NextAsync(pool, stopWaiting.Token, cancellationToken) is { } claim
                && await PublishAsync(claim, hostname, sizeGb, mark, DiskSource.Copy, cancellationToken) is { } disk)
            {
                return disk;
            }
        }
    }

    /// <summary>
    /// Waits for a copy: one that came into the pool, or one that was made for this caller; null when it should try again.
    /// </summary>
    private async Task<Claim?> NextAsync(Pool pool, CancellationToken stopWaiting, CancellationToken cancellationToken)
    {
        var (copy, next) = pool.TakeOrWait(stopWaiting);
        if (next is null)
        {
            return await ClaimAsync(pool, copy!, cancellationToken);
        }

        pools.Ring();
        try
        {
            return await next;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw lifetime.ApplicationStopping.IsCancellationRequested
                ? new RefusedException(Refusal.ShuttingDown, "the daemon is stopping")
                : new RefusedException(
                    Refusal.StorageTimeout,
                    $"no copy of {pool.Image} was made within {options.Value.WaitTimeout}"
                        + (pool.Problem is { } problem ? $": {problem.Message}" : ""));
        }
        finally
        {
            // If it left without a copy, the reconciler may have one copy less to make.
            pools.Ring();
        }
    }

    private async Task<Claim?> ClaimAsync(Pool pool, Copy copy, CancellationToken cancellationToken)
    {
        try
        {
            return await publisher.ClaimAsync(copy, cancellationToken);
        }
        catch
        {
            // It may still be in its place; whoever takes it next will see.
            pool.Put(copy);
            throw;
        }
    }

    private async Task<PublishedDisk?> PublishAsync(
        Claim claim, Hostname hostname, int? sizeGb, RequestMark? mark, DiskSource source, CancellationToken cancellationToken)
    {
        var pool = pools.Get(claim.Image);
        var result = await publisher.PublishAsync(
            claim, hostname, sizeGb, mark is null ? null : mark with { Source = source }, cancellationToken);
        if (result.Returned is { } returned)
        {
            pool.Put(returned);
        }

        if (EndOf(result.Outcome, source) is { } end)
        {
            pool.Count(end);
        }

        return DiskOf(claim.Image, hostname, sizeGb, result, source);
    }

    /// <summary>What is counted here; null for a conflict, which is counted with those that were met without a copy.</summary>
    private static ClaimOutcome? EndOf(PublishOutcome outcome, DiskSource source) => outcome switch
    {
        PublishOutcome.Published => source == DiskSource.Pool ? ClaimOutcome.Hit : ClaimOutcome.Miss,
        PublishOutcome.Repeated => ClaimOutcome.Repeated,
        PublishOutcome.Stale => ClaimOutcome.Stale,
        PublishOutcome.Gone => ClaimOutcome.Gone,
        _ => null,
    };

    private static PublishedDisk? DiskOf(
        ImageName image, Hostname hostname, int? sizeGb, PublishResult result, DiskSource source) => result.Outcome switch
    {
        PublishOutcome.Published => new PublishedDisk(hostname, image, result.Disk, source, sizeGb),
        PublishOutcome.Repeated => new PublishedDisk(hostname, image, result.Disk, result.Source ?? source, sizeGb),
        PublishOutcome.HostExists => throw Taken(result.Disk),
        PublishOutcome.Abandoned => throw new OperationCanceledException(),
        _ => null,
    };

    private static RefusedException Taken(FileName disk) => new(Refusal.HostExists, $"{disk} already exists");

    [LoggerMessage(Level = LogLevel.Information, Message = "Published {Disk} from {Image}, source {Source}, in {Elapsed:0.0} ms")]
    private partial void LogPublished(FileName disk, ImageName image, DiskSource source, double elapsed);
}
