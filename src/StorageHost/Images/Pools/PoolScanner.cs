using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Pools;

/// <summary>
/// Keeps the index true to the directory: reads it at intervals and whenever asked, takes up what other daemons and operators did,
/// retires stale copies, and gives copies back when the volume fills.
/// </summary>
internal sealed partial class PoolScanner(
    IVolume volume, IPublisher publisher, PoolTable pools, RefusedRoom room, ProtectedTemplates guarded, KnownVersions versions,
    IVolumePolicy policy, TimeProvider time, ILogger<PoolScanner> log) : IDisposable
{
    private readonly SemaphoreSlim one = new(1, 1);

    /// <summary>When the directory was last read, as a time stamp; null when it was not yet.</summary>
    public long? LastScan { get; private set; }

    /// <summary>The room on the volume as the last scan saw it.</summary>
    public VolumeSpace Space { get; private set; }

    /// <summary>Reads the directory now.</summary>
    public async Task ScanAsync(CancellationToken cancellationToken)
    {
        await one.WaitAsync(cancellationToken);
        try
        {
            foreach (var pool in pools.All)
            {
                pool.BeginScan();
            }

            var scan = await volume.ScanAsync(cancellationToken);
            Space = scan.Space;
            await TakeUpAsync(scan, cancellationToken);
            room.Look(scan);
            guarded.TakeUp(scan.Protected);
            versions.TakeUp(scan.Versions);
            UnhinderByRoom();
            await GiveBackAsync(PoolPlan.Deficit(Space, policy.ReservePercent), cancellationToken);
            LastScan = time.GetTimestamp();
        }
        finally
        {
            one.Release();
        }

        pools.Ring();
    }

    /// <summary>Deletes ready copies, of the largest pools first, until so many bytes are given back or none are left.</summary>
    public async Task GiveBackAsync(long bytes, CancellationToken cancellationToken)
    {
        while (bytes > 0)
        {
            var isRetired = false;
            if (pools.All.Where(pool => pool.Template is not null).MaxBy(pool => pool.Ready) is not { Template: { } template } largest
                || !await TryAsync(async () => isRetired = await RetireOneAsync(largest, cancellationToken), largest.Image) || !isRetired)
            {
                return;
            }

            LogGaveBack(largest.Image);
            bytes -= Math.Max(template.AllocatedBytes, 1);
        }
    }

    /// <summary>Deletes one ready copy; false when this daemon has none.</summary>
    public async Task<bool> RetireOneAsync(Pool pool, CancellationToken cancellationToken)
    {
        if (pool.Take() is { } copy)
        {
            await publisher.RetireAsync(copy, cancellationToken);
            return true;
        }

        if (pool.TakeHeld() is { } claim)
        {
            await publisher.RetireAsync(claim, cancellationToken);
            return true;
        }

        return false;
    }

    public void Dispose() => one.Dispose();

    private async Task TakeUpAsync(VolumeScan scan, CancellationToken cancellationToken)
    {
        var templates = scan.Templates.ToDictionary(template => template.Image);
        var copies = scan.Copies.ToLookup(copy => copy.Image);
        var images = templates.Keys.Union(scan.Levels.Keys).Union(copies.Select(group => group.Key)).Union(scan.Unknown).ToHashSet();
        foreach (var image in images.Union(pools.All.Select(pool => pool.Image)).Except(scan.Unknown))
        {
            var template = templates.GetValueOrDefault(image);
            var known = pools.Find(image);
            if (template is null && (copies[image].Any() || known?.Template is not null) && !await IsAbsentAsync(image, cancellationToken))
            {
                continue;
            }

            var level = scan.Levels.TryGetValue(image, out var set)
                ? set
                : known is { Wanted: > 0 and var before } && await IsSetAsync(image, cancellationToken) ? before
                : 0;
            bool IsFresh(Copy copy) => copy.MadeFrom?.Template is { } made && made == template?.Fingerprint;
            var pool = pools.Get(image);
            var stale = pool.EndScan(template, copies[image].Where(IsFresh), scan.HeldElsewhere.GetValueOrDefault(image), level);
            if (stale.Count > 0 && await TryAsync(() => publisher.RetireAllAsync(stale, cancellationToken), image))
            {
                LogRetiredClaims(stale.Count, image);
            }

            if (!images.Contains(image))
            {
                pools.Forget(pool);
            }

            foreach (var copy in copies[image].Where(copy => !IsFresh(copy)))
            {
                if (await TryAsync(() => publisher.RetireAsync(copy, cancellationToken), image))
                {
                    LogRetired(image, copy.Number);
                }
            }
        }
    }

    /// <summary>Where there is room again, nobody need wait for the next try to be told so.</summary>
    private void UnhinderByRoom()
    {
        foreach (var pool in pools.All)
        {
            if (pool.Problem?.NeededBytes is { } needed && PoolPlan.Fitting(Space, policy.ReservePercent, promised: 0, needed) > 0)
            {
                pool.Unhinder();
            }
        }
    }

    /// <summary>What cannot be retired is found again by the next look; it must not keep this one from the rest.</summary>
    private async Task<bool> TryAsync(Func<Task> retire, ImageName image)
    {
        try
        {
            await retire();
            return true;
        }
        catch (RefusedException exception)
        {
            LogCannotRetire(image, exception.Message);
            return false;
        }
    }

    /// <summary>
    /// A listing may leave out what a sick brick holds; only a look at the name itself says that a template is not there.
    /// </summary>
    private async Task<bool> IsAbsentAsync(ImageName image, CancellationToken cancellationToken)
    {
        try
        {
            await volume.FindTemplateAsync(image, cancellationToken);
            return false;
        }
        catch (RefusedException exception)
        {
            return exception.Reason == Refusal.ImageNotFound;
        }
    }

    /// <summary>The same of a level: whether there is one, or nobody knows.</summary>
    private async Task<bool> IsSetAsync(ImageName image, CancellationToken cancellationToken)
    {
        try
        {
            return await volume.HasLevelAsync(image, cancellationToken);
        }
        catch (RefusedException)
        {
            return true;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A copy of {Image} cannot be retired now: {Reason}")]
    private partial void LogCannotRetire(ImageName image, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Retired copy {Number} of {Image}: stale")]
    private partial void LogRetired(ImageName image, int number);

    [LoggerMessage(Level = LogLevel.Information, Message = "Retired {Count} claimed copies of {Image}: stale")]
    private partial void LogRetiredClaims(int count, ImageName image);

    [LoggerMessage(Level = LogLevel.Information, Message = "Retired a copy of {Image}: its room is needed")]
    private partial void LogGaveBack(ImageName image);
}
