using StorageHost.Files.Posix;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Catalog;

/// <summary>
/// The templates as the directory was last read. Every name that comes or goes changes the directory's modification time, so one stat
/// says whether they are still the ones, however many files there are.
/// </summary>
internal sealed class TemplateList(FileNames names, IVolumePolicy policy, TimeProvider time)
{
    /// <summary>
    /// Time stamps are coarse: what happens within the same tick as the last change leaves no trace. So a listing is good for others
    /// only if it began well after that change.
    /// </summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1);

    private volatile Listing? last;

    /// <summary>The names of the templates now, sorted.</summary>
    public IReadOnlyList<ImageName> Read(DirectoryHandle mount)
    {
        var (began, directory) = (Now, mount.StatSelf());

        // Gluster stamps with the clock of the node that made the change, and never goes back: a change by a node whose clock is
        // behind is not seen by stat. So nothing is trusted for longer than it takes until the next regular look at the directory.
        return last is { } known && (known.Device, known.Directory) == (directory.Device, directory.Fingerprint)
            && known.IsSettled && time.GetElapsedTime(known.TakenAt) < policy.RescanInterval * 2
            ? known.Images
            : Entries(mount, began, directory).Images;
    }

    /// <summary>Reads the directory: everything that is ours.</summary>
    public List<VolumeEntry> ReadAll(DirectoryHandle mount) => Entries(mount, Now, mount.StatSelf()).All;

    private (DateTimeOffset Clock, long Stamp) Now => (time.GetUtcNow(), time.GetTimestamp());

    private (List<VolumeEntry> All, IReadOnlyList<ImageName> Images) Entries(
        DirectoryHandle mount, (DateTimeOffset Clock, long Stamp) began, FileStat directory)
    {
        List<VolumeEntry> all = [.. mount.List(".", regularOnly: true).Select(names.Classify).OfType<VolumeEntry>()];
        ImageName[] images = [.. all.OfType<TemplateEntry>().Select(entry => entry.Image)
            .OrderBy(image => image.Text, StringComparer.Ordinal)];
        var changed = DateTimeOffset.UnixEpoch.AddTicks(directory.Fingerprint.ModifiedNs / TimeSpan.NanosecondsPerTick);
        last = new Listing(directory.Device, directory.Fingerprint, began.Stamp, began.Clock - changed >= Settled, images);
        return (all, images);
    }

    /// <param name="Device">The device that the directory lay on.</param>
    /// <param name="Directory">The directory's state before it was read.</param>
    /// <param name="TakenAt">When, as a time stamp.</param>
    /// <param name="IsSettled">Whether its last change was long enough ago.</param>
    /// <param name="Images">The templates.</param>
    private sealed record Listing(ulong Device, Fingerprint Directory, long TakenAt, bool IsSettled, IReadOnlyList<ImageName> Images);
}
