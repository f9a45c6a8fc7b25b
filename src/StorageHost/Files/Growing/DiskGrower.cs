using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Growing;

/// <summary>
/// Makes disks larger under their names. The whole file is locked meanwhile, as for a deletion: no QEMU opens it, on any node. Each step is
/// durable before the next, and the one that counts is a single write into the first sector.
/// </summary>
internal sealed class DiskGrower(
    VolumeSessions volume, FileNames names, TemplateFile templates, IImageInspector inspector, IImageGrower grower, IVolumePolicy policy)
    : IDiskGrower
{
    public Task GrowAsync(FileName disk, int sizeGb, CancellationToken cancellationToken) => volume.TransferAsync(
        "make a disk larger",
        (VolumeSession session, StorageCall<bool> call) =>
        {
            var mount = session.Mount;
            using var file = Open(mount, disk) ?? throw new RefusedException(Refusal.DiskNotFound, $"{disk} does not exist");
            Lock(mount, file, disk);
            var growth = Plan(mount, file, disk, sizeGb);
            GrowthWriter.RefuseLonger(session.MountPoint, growth);
            GrowthWriter.RefuseIfFull(mount, growth, policy.ReservePercent);

            // Whoever has given up waiting has been told nothing yet, so nothing may happen yet.
            return !call.IsAbandoned && Apply(session, file, disk, growth);
        },
        cancellationToken);

    private static bool Apply(VolumeSession session, SafeFileHandle file, FileName disk, ImageGrowth growth)
    {
        try
        {
            GrowthWriter.ApplyDurably(file, disk.Text, growth);
            if (session.MountPoint.IsGluster)
            {
                // A client on another node may answer from the last second, the old header too. Until then the lock keeps guests out.
                TransientRetry.UntilForgotten(() => false);
            }

            return true;
        }
        catch (StorageException failed)
        {
            failed.LeavesOutcomeUnknown = true;
            throw;
        }
    }

    private static SafeFileHandle? Open(DirectoryHandle mount, FileName disk) =>
        mount.TryStat(disk.Text, out var stat) && stat.IsRegular ? mount.TryOpen(disk.Text, Syscalls.ReadWrite) : null;

    /// <summary>Keeps everybody out; a file whose name has gone meanwhile is none.</summary>
    private static void Lock(DirectoryHandle mount, SafeFileHandle file, FileName disk)
    {
        if (!mount.Locks.TryKeepAllOut(file, disk.Text))
        {
            throw new RefusedException(
                Refusal.DiskInUse,
                OfdLocks.IsBeingDeleted(file, disk.Text)
                    ? $"another request is at {disk} at this moment; send the same request again"
                    : $"{disk} is open in a virtual machine or another program, which has to be stopped first");
        }

        switch (DirectoryHandle.StatSynced(file, disk.Text).Links)
        {
            case 0: throw new RefusedException(Refusal.DiskNotFound, $"{disk} does not exist");
            case > 1:
                throw new RefusedException(
                    Refusal.DiskInUse, $"{disk} has a second name: it is just being published, or it is the disk of two hosts");
        }
    }

    private ImageGrowth Plan(DirectoryHandle mount, SafeFileHandle file, FileName disk, int sizeGb)
    {
        var image = new HeaderSource(file, disk.Text);
        var header = PublishedFormat.IsRaw(file, disk.Text) && names.Classify(disk.Text) is SystemDiskEntry
            ? new ImageHeader(ImageFormat.Raw, image.Length, null, null)
            : inspector.Inspect(image);
        return header.Fault is { } fault
            ? throw new RefusedException(Refusal.ImageRejected, $"{disk} cannot be made larger: {fault}")
            : grower.Plan(
                image, header.Format, (long)sizeGb << 30, header.BackingFile is { } name ? BackingBytes(mount, disk, name) : null);
    }

    private long BackingBytes(DirectoryHandle mount, FileName disk, string backingFile)
    {
        if (templates.BackingTemplate(backingFile) is not { } image)
        {
            throw new RefusedException(Refusal.ImageRejected, $"{disk} cannot be made larger: its backing file is none of the templates");
        }

        using var opened = templates.Open(mount, image);
        return opened.Chain[0].VirtualBytes;
    }
}
