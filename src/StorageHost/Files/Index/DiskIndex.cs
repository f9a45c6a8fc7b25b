using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>Tells of the disks in the index of the served directory.</summary>
internal sealed class DiskIndex(
    IDirectorySource directories, VolumeSessions volume, FileNames names, ImageReader reader, KnownVersions versions) : IDiskIndex
{
    public DiskPage List(DiskFilter filter)
    {
        var facts = directories.Latest[0].Facts.Value;
        var disks = facts?.Disks ?? [];
        var found = new List<ListedDisk>(Math.Min(filter.Limit, disks.Count));
        for (var at = filter.After is { } after ? PlaceAfter(disks, after.Text) : 0; at < disks.Count; at++)
        {
            if (!Matches(disks[at], filter))
            {
                continue;
            }

            if (found.Count == filter.Limit)
            {
                return new DiskPage(found, found[^1].Disk.File);
            }

            found.Add(Listed(disks[at], facts!.Templates));
        }

        return new DiskPage(found, null);
    }

    public Task<OneDisk> FindAsync(FileName disk, CancellationToken cancellationToken) => volume.RunAsync(
        "look at a disk",
        (VolumeSession session, StorageCall<OneDisk> _) =>
        {
            using var file = session.Mount.TryOpenRegular(disk.Text);
            return file is not null && reader.Read(session.Mount, volume.Directory, disk.Text)?.Disk is { } found
                ? new OneDisk(Listed(found, directories.Latest[0].Facts.Value?.Templates ?? []), OfdLocks.IsLockedByOthers(file, disk.Text))
                : throw new RefusedException(Refusal.DiskNotFound, $"{disk} does not exist");
        },
        cancellationToken);

    private static bool Matches(DiskInfo disk, DiskFilter filter) =>
        (filter.Kind is not { } kind || disk.Kind == kind)
        && (filter.Hostname is not { } hostname || disk.Hostname == hostname.Text)
        && (filter.Image is not { } image || disk.Image == image.Text);

    /// <summary>The place of the first name that sorts behind another one, which need not be there any more.</summary>
    private static int PlaceAfter(IReadOnlyList<DiskInfo> disks, string name)
    {
        var (low, high) = (0, disks.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            (low, high) = string.CompareOrdinal(disks[middle].File, name) > 0 ? (low, middle) : (middle + 1, high);
        }

        return low;
    }

    private ListedDisk Listed(DiskInfo disk, IReadOnlyList<TemplateDetails> templates)
    {
        if (disk.Image is not { } text || names.ParseImage(text, out var image) is not null)
        {
            return new ListedDisk(disk, null, null);
        }

        if (disk.Backing is not null || disk.Origin.MadeFrom is not { } madeFrom)
        {
            return new ListedDisk(disk, null, disk.Backing is null ? null : true);
        }

        var isCurrent = templates.Any(template => template.Template.Image == image && template.Template.Fingerprint == madeFrom);
        return new ListedDisk(disk, isCurrent ? null : versions.NumberOf(image, madeFrom.Inode), isCurrent);
    }
}
