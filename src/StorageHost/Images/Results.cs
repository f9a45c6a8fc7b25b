using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Images;

/// <summary>Where a disk came from.</summary>
internal enum DiskSource
{
    /// <summary>A copy was ready.</summary>
    Pool,

    /// <summary>The copy was made while the caller waited.</summary>
    Copy,
}

/// <summary>A system disk that is whole, durable and has its name; its size in GiB when one was asked for.</summary>
internal sealed record PublishedDisk(Hostname Hostname, ImageName Image, FileName Disk, DiskSource Source, int? SizeGb = null);

/// <summary>A data disk that was made; size in GiB.</summary>
internal sealed record DataDisk(Hostname Hostname, FileName Disk, int SizeGb);

/// <summary>What deleting a host removed and what it left.</summary>
internal sealed record RemovedHost(Hostname Hostname, IReadOnlyList<FileName> Removed, IReadOnlyList<FileName> Kept);

/// <summary>A data disk that was deleted.</summary>
internal sealed record RemovedDisk(Hostname Hostname, FileName Disk);

/// <summary>What deleting an image removed.</summary>
internal sealed record RemovedImage(ImageName Image, IReadOnlyList<FileName> Removed);

/// <summary>A pool at one moment.</summary>
/// <param name="Image">Whose copies.</param>
/// <param name="Wanted">How many ready copies it is to hold.</param>
/// <param name="Ready">How many it holds.</param>
/// <param name="Copying">Copies in the making.</param>
/// <param name="Waiting">Callers who wait for a copy.</param>
/// <param name="Hits">Claims met from the pool since the start of the daemon.</param>
/// <param name="Misses">Claims that had to wait since then.</param>
/// <param name="LastRefill">When a copy was last added; null when none was.</param>
/// <param name="Template">The state of the template; null when it was not read yet.</param>
/// <param name="JobId">The job that fills it; null when none does.</param>
/// <param name="Problem">What keeps it from being filled just now; null when nothing does.</param>
internal sealed record PoolStatus(
    ImageName Image,
    int Wanted,
    int Ready,
    int Copying,
    int Waiting,
    long Hits,
    long Misses,
    DateTimeOffset? LastRefill,
    Fingerprint? Template,
    string? JobId,
    PoolProblem? Problem);
