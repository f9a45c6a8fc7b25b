using Microsoft.Extensions.Options;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Pools;

/// <summary>One pass over a template: makes copies, and gives them to callers who wait and to the pool.</summary>
internal sealed partial class PoolPass(
    IVolume volume, IPublisher publisher, ICopyEngine engine, PoolScanner scanner, RefusedRoom room, PromisedRoom promised,
    ForegroundGate gate, IVolumePolicy policy, IOptions<PoolOptions> options, ImageMetrics metrics, TimeProvider time,
    ILogger<PoolPass> log)
{
    /// <summary>Makes copies for callers who wait; true.</summary>
    public async Task<bool> ServeAsync(Pool pool, int copies, CancellationToken cancellationToken)
    {
        using var urgent = gate.Enter();
        var template = await volume.FindTemplateAsync(pool.Image, cancellationToken);
        if (Fitting(template, await volume.ReadSpaceAsync(cancellationToken)) == 0)
        {
            // A caller who waits needs the room more than any pool does.
            await scanner.GiveBackAsync(template.AllocatedBytes, cancellationToken);
        }

        await MakeAsync(pool, copies, _ => ValueTask.FromResult(Pace.Full), cancellationToken);
        return true;
    }

    /// <summary>Makes what the pool lacks; false when another daemon is at it.</summary>
    public async Task<bool> FillAsync(Pool pool, CancellationToken cancellationToken)
    {
        await gate.YieldAsync(cancellationToken);
        await using var only = await volume.TryLockPoolAsync(pool.Image, cancellationToken);
        if (only is null)
        {
            return false;
        }

        // Others may have filled it until just now.
        await scanner.ScanAsync(cancellationToken);
        var missing = Math.Min(pool.Wanted - pool.Total, PoolPlan.MaxCopiesAtOnce);
        if (missing > 0)
        {
            await MakeAsync(pool, missing, GiveWay(pool, cancellationToken), cancellationToken);
        }

        return true;
    }

    /// <summary>Deletes copies above the level; false when another daemon is at it.</summary>
    public async Task<bool> TrimAsync(Pool pool, CancellationToken cancellationToken)
    {
        await gate.YieldAsync(cancellationToken);
        await using var only = await volume.TryLockPoolAsync(pool.Image, cancellationToken);
        if (only is null)
        {
            return false;
        }

        await scanner.ScanAsync(cancellationToken);
        while (pool.Total > pool.Wanted && await scanner.RetireOneAsync(pool, cancellationToken))
        {
            LogTrimmed(pool.Image, pool.Wanted);
        }

        return true;
    }

    /// <summary>Filling gives way to claims and keeps to its rate, unless a caller has come to wait for it.</summary>
    private Func<CopyProgress, ValueTask<Pace>> GiveWay(Pool pool, CancellationToken cancellationToken)
    {
        var limit = new RateLimit(() => options.Value.MaxBytesPerSecond, time);
        return async progress =>
        {
            if (pool.Waiting > 0)
            {
                return Pace.Full;
            }

            await gate.YieldAsync(cancellationToken);
            await limit.WaitAsync(progress.Written, cancellationToken);
            return gate.IsBusy ? Pace.Gentle : Pace.Full;
        };
    }

    private async Task MakeAsync(Pool pool, int copies, Func<CopyProgress, ValueTask<Pace>> pace, CancellationToken cancellationToken)
    {
        var template = await volume.FindTemplateAsync(pool.Image, cancellationToken);
        var space = await volume.ReadSpaceAsync(cancellationToken);
        copies = Math.Min(copies, Fitting(template, space));
        if (copies == 0)
        {
            throw room.Refuse(template, space, promised.Bytes);
        }

        var job = pool.Job;
        var bytes = copies * template.AllocatedBytes;
        var made = 0;
        using var promise = promised.Begin(bytes);
        try
        {
            job?.BeginPass(copies, template.Fingerprint.Size);
            var claims = await CopyAsync(
                pool,
                template,
                copies,
                progress =>
                {
                    job?.Progress(progress.Position);
                    if (progress.Position > 0)
                    {
                        pool.DoubtProblem();
                    }

                    promise.Change(Math.Max(0, bytes - progress.Written));
                    return pace(progress);
                },
                cancellationToken);
            await GiveOutAsync(pool, claims, cancellationToken);
            made = claims.Count;
        }
        finally
        {
            job?.EndPass(made);
        }
    }

    private async Task<IReadOnlyList<Claim>> CopyAsync(
        Pool pool, Template template, int copies, Func<CopyProgress, ValueTask<Pace>> progress, CancellationToken cancellationToken)
    {
        using var span = Spans.OfCopy(pool, copies);
        var started = time.GetTimestamp();
        try
        {
            var claims = await engine.MakeAsync(pool.Image, copies, progress, cancellationToken);
            var took = time.GetElapsedTime(started);
            metrics.Copied(claims.Count, took);
            span.End("made", fault: null);
            LogCopied(claims.Count, pool.Image, template.Fingerprint.Size, took.TotalMilliseconds);
            return claims;
        }
        catch (Exception exception)
        {
            var stopped = exception is OperationCanceledException;
            metrics.NotCopied(stopped, time.GetElapsedTime(started));
            span.End(stopped ? "stopped" : "failed", stopped ? null : exception);
            throw;
        }
    }

    private int Fitting(Template template, VolumeSpace space) =>
        PoolPlan.Fitting(space, policy.ReservePercent, promised.Bytes, template.AllocatedBytes);

    private async Task GiveOutAsync(Pool pool, IReadOnlyList<Claim> claims, CancellationToken cancellationToken)
    {
        var left = new Queue<Claim>(claims);
        try
        {
            while (left.TryDequeue(out var claim))
            {
                if (!pool.TryHandOver(claim))
                {
                    pool.Put(await publisher.AddToPoolAsync(claim, cancellationToken));
                    pool.LastRefill = time.GetUtcNow();
                }
            }
        }
        finally
        {
            foreach (var claim in left)
            {
                claim.Dispose();
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Made {Copies} copies of {Image}, {Bytes} bytes each, in {Elapsed:0} ms")]
    private partial void LogCopied(int copies, ImageName image, long bytes, double elapsed);

    [LoggerMessage(Level = LogLevel.Information, Message = "Trimmed a copy of {Image} for the level {Wanted}")]
    private partial void LogTrimmed(ImageName image, int wanted);
}
