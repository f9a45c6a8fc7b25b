using StorageHost.Files.Catalog;
using StorageHost.Files.Growing;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;

namespace StorageHost.Files.Publishing;

/// <summary>Disks that were there before a request for them: made for the very same request, or not.</summary>
internal sealed class StandingDisks(UnfinishedGrowth unfinished)
{
    /// <summary>What to say of a system disk that was there before.</summary>
    public PublishResult Of(VolumeSession session, FileName disk, RequestMark? mark) =>
        FindMark(session, disk, mark) is { } made
            ? new PublishResult(PublishOutcome.Repeated, disk, Source: made.Source)
            : new PublishResult(PublishOutcome.HostExists, disk);

    /// <summary>The mark of a disk that was made for this very request; null when it was not.</summary>
    public RequestMark? FindMark(VolumeSession session, FileName disk, RequestMark? mark) => RequestMarks.Find(
        session.Mount, disk, mark,
        name => HasItsSize(session.Mount, disk, name) && LinkProtocol.TryRemovePrivateName(session, name));

    /// <summary>Refuses what another publisher is at: it may be the very same request, of which nothing can be said yet.</summary>
    public static void RefuseIfUndecided(DirectoryHandle mount, FileName disk, RequestMark? mark)
    {
        if (mark is not null && !mount.TryStat(disk.Text, out _))
        {
            throw new RefusedException(
                Refusal.StorageUnavailable, $"another request is making {disk} at this moment; send the same request again");
        }
    }

    /// <summary>Whether a disk has the size that its private name says; if not, recovery finishes it before that name goes.</summary>
    private bool HasItsSize(DirectoryHandle mount, FileName disk, string privateName)
    {
        if (PrivateNames.SizeOf(privateName) is not { } sizeGb)
        {
            return true;
        }

        using var file = mount.TryOpenRegular(disk.Text);
        return file is not null && unfinished.HasSize(file, disk.Text, sizeGb);
    }
}
