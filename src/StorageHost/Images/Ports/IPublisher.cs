using Microsoft.Win32.SafeHandles;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Images.Ports;

/// <summary>What became of publishing a claim.</summary>
internal enum PublishOutcome
{
    /// <summary>The disk has its name and is durable.</summary>
    Published,

    /// <summary>The claim was this daemon's no longer: another daemon had recovered it.</summary>
    Gone,

    /// <summary>The caller left before anything was changed; the copy went back to the pool.</summary>
    Abandoned,

    /// <summary>The copy was not one of the template as it is now; it was retired.</summary>
    Stale,

    /// <summary>The disk's name was taken; the copy went back to the pool.</summary>
    HostExists,

    /// <summary>The host has its disk already, made for this very request; the copy went back to the pool.</summary>
    Repeated,
}

/// <summary>The result of publishing a claim.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Disk">The disk's name.</param>
/// <param name="Returned">The copy that went back to the pool; null when none did.</param>
/// <param name="Source">Where the disk of a repeated request came from.</param>
internal sealed record PublishResult(PublishOutcome Outcome, FileName Disk, Copy? Returned = null, DiskSource? Source = null);

/// <summary>
/// Gives files their names, and takes copies out of pools (port; implemented in Files). A name that was given is never taken back: a caller
/// who is told that the storage failed or timed out does not know the outcome, and only a deletion removes what may be there.
/// </summary>
internal interface IPublisher
{
    /// <summary>Claims a ready copy; null when somebody else had taken it, or when it had been touched and was retired.</summary>
    Task<Claim?> ClaimAsync(Copy copy, CancellationToken cancellationToken);

    /// <summary>
    /// Publishes a claimed copy, if it is one of the template as it is now, as a system disk; whatever happens, the claim is no longer the
    /// caller's.
    /// </summary>
    /// <param name="claim">The copy.</param>
    /// <param name="hostname">Whose disk it becomes.</param>
    /// <param name="sizeGb">The disk's size in GiB; null: the template's.</param>
    /// <param name="mark">The request's mark; null when it has none.</param>
    /// <param name="cancellationToken">The caller goes away.</param>
    /// <exception cref="RefusedException">ImageNotFound: the template is gone; InvalidSize, ImageRejected and NoSpace, of the size; and
    /// what the storage says: then the outcome is unknown.</exception>
    Task<PublishResult> PublishAsync(
        Claim claim, Hostname hostname, int? sizeGb, RequestMark? mark, CancellationToken cancellationToken);

    /// <summary>Refuses a size that disks of an image cannot have.</summary>
    /// <exception cref="RefusedException">ImageNotFound; InvalidSize; ImageRejected; and what the storage says.</exception>
    ValueTask CheckSizeAsync(ImageName image, int sizeGb, CancellationToken cancellationToken);

    /// <summary>
    /// Looks for a host's system disk: null when it has none, HostExists, or Repeated when it was made for this very request.
    /// </summary>
    Task<PublishResult?> FindAsync(Hostname hostname, RequestMark? mark, CancellationToken cancellationToken);

    /// <summary>Gives a copy to the pool; whatever happens, the claim is no longer the caller's.</summary>
    Task<Copy> AddToPoolAsync(Claim claim, CancellationToken cancellationToken);

    /// <summary>Deletes a ready copy; nothing happens when it is gone.</summary>
    Task RetireAsync(Copy copy, CancellationToken cancellationToken);

    /// <summary>Deletes a claimed copy; whatever happens, the claim is no longer the caller's.</summary>
    Task RetireAsync(Claim claim, CancellationToken cancellationToken);

    /// <summary>
    /// Brings an empty disk into the volume and publishes it under the first free name of its size, unless there is one that was made for
    /// this very request; whatever happens, the image is no longer the caller's.
    /// </summary>
    /// <exception cref="RefusedException">HostExists when there are no free names; and what the storage says.</exception>
    Task<FileName> PublishDataDiskAsync(
        SafeFileHandle image, Hostname hostname, int sizeGb, RequestMark? mark, CancellationToken cancellationToken);
}

/// <summary>What is made of the port's own verbs.</summary>
internal static class Retiring
{
    /// <summary>Deletes claimed copies; whatever happens, the claims are no longer the caller's.</summary>
    public static async Task RetireAllAsync(this IPublisher publisher, IReadOnlyList<Claim> claims, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var claim in claims)
            {
                await publisher.RetireAsync(claim, cancellationToken);
            }
        }
        finally
        {
            // Those that were not reached: recovery gives them back, and the next look retires them.
            foreach (var claim in claims)
            {
                claim.Dispose();
            }
        }
    }
}
