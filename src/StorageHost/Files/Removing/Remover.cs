using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Removing;

/// <summary>Deletes files by their exact names, all or none, and never one that QEMU has open.</summary>
internal sealed class Remover(
    VolumeSessions volume, FileNames names, IImageInspector inspector, TemplateFile templates, DeletedFileLocks deleted,
    RememberedDeletions deletions) : IRemover
{
    public Task<RemovedHost> RemoveHostAsync(Hostname hostname, bool purge, CancellationToken cancellationToken) => volume.RunAsync(
        "delete a host",
        (VolumeSession session, StorageCall<RemovedHost> call) =>
        {
            var mount = session.Mount;
            var system = names.SystemDisk(hostname);
            FileName[] data = [.. Entries(mount).OfType<DataDiskEntry>().Where(disk => disk.Hostname == hostname).Select(disk => disk.File)
                .OrderBy(file => file.Text, StringComparer.Ordinal)];
            var exists = mount.TryStat(system.Text, out _);
            if (!exists && (!purge || data.Length == 0))
            {
                throw new RefusedException(
                    Refusal.HostNotFound,
                    data.Length == 0
                        ? $"{system} does not exist"
                        : $"{system} does not exist; {hostname} has data disks, which \"purge\" deletes");
            }

            var removed = RemoveAll(session, call, [.. exists ? [system] : Array.Empty<FileName>(), .. purge ? data : []]);
            return removed.Count > 0
                ? new RemovedHost(hostname, removed, purge ? [] : data)
                : throw new RefusedException(Refusal.HostNotFound, $"{system} was deleted by another request");
        },
        cancellationToken);

    public Task<RemovedDisk> RemoveDiskAsync(DataDiskEntry disk, CancellationToken cancellationToken) => volume.RunAsync(
        "delete a data disk",
        (VolumeSession session, StorageCall<RemovedDisk> call) => RemoveAll(session, call, [disk.File]).Count > 0
            ? new RemovedDisk(disk.Hostname, disk.File)
            : throw new RefusedException(Refusal.DiskNotFound, $"{disk.File} does not exist"),
        cancellationToken);

    public Task CheckImageAsync(ImageName image, CancellationToken cancellationToken) => volume.TransferAsync(
        "check a template",
        (VolumeSession session, StorageCall<bool> _) =>
        {
            CheckUnused(session.Mount, image);
            return true;
        },
        cancellationToken);

    public Task<RemovedImage> RemoveImageAsync(ImageName image, CancellationToken cancellationToken) => volume.TransferAsync(
        "delete a template",
        (VolumeSession session, StorageCall<RemovedImage> call) =>
        {
            var mount = session.Mount;
            _ = templates.Find(mount, image);
            using var turn = TakeTurn(mount, image);
            CheckUnused(mount, image);

            // Its versions and the level first: interrupted after them, the image can be deleted again, while nobody could take back what
            // an image has that is gone. Then the template, without which no copy can be made or handed out, whatever interrupts the rest.
            var removed = RemoveAll(session, call, [names.Template(image)], () =>
            {
                RefuseProtected(mount, image);
                VersionFiles.RemoveAll(mount, names, image);
                Levels.Write(session, image, 0);
            });
            if (removed.Count == 0)
            {
                throw new RefusedException(Refusal.ImageNotFound, $"the template {image} was deleted by another request");
            }

            LockFile.TryRemove(mount, LockFile.OfPool(image));
            mount.TryUnlink(LockFile.OfTemplate(image));
            FileName[] copies = [.. Entries(mount).OfType<CopyEntry>().Where(copy => copy.Image == image).OrderBy(copy => copy.Number)
                .Select(copy => copy.File)];
            return new RemovedImage(image, [.. removed, .. copies.Where(copy => mount.TryUnlink(copy.Text))]);
        },
        cancellationToken);

    private void CheckUnused(DirectoryHandle mount, ImageName image)
    {
        _ = templates.Find(mount, image);
        RefuseProtected(mount, image);
        string[] clones =
        [
            .. Entries(mount).Where(entry => entry is not (CopyEntry or PrivateEntry) && entry.File != names.Template(image)
                && IsBackedBy(mount, entry.File.Text, image, entry is SystemDiskEntry)).Select(entry => entry.File.Text),

            // A version can become a template again.
            .. VersionFiles.List(mount, names).Where(version => version.Image != image
                && IsBackedBy(mount, VersionFiles.NameOf(version.Image, version.Number), image))
                .Select(version => $"version {version.Number} of {version.Image}"),
        ];
        if (clones.Length > 0)
        {
            throw new RefusedException(
                Refusal.ImageInUse,
                $"{clones.Length} linked clone(s) depend on {image}: "
                    + $"{string.Join(", ", clones.Take(5))}{(clones.Length > 5 ? ", …" : "")}");
        }
    }

    /// <summary>Keeps others from replacing the template meanwhile: what they put into its place would go.</summary>
    private static SafeFileHandle? TakeTurn(DirectoryHandle mount, ImageName image)
    {
        try
        {
            mount.MakeDirectory(LockFile.PoolFolder);
            return LockFile.TryAcquire(mount, LockFile.OfTemplate(image))
                ?? throw new RefusedException(Refusal.JobConflict, $"the template {image} is being changed by another request");
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoSpace or Errno.QuotaExceeded)
        {
            // Who deletes on a full volume makes room, and who replaces needs some.
            return null;
        }
    }

    private static void RefuseProtected(DirectoryHandle mount, ImageName image)
    {
        if (Protections.Exists(mount, image))
        {
            throw new RefusedException(Refusal.ImageProtected, $"the template {image} is protected");
        }
    }

    private bool IsBackedBy(DirectoryHandle mount, string name, ImageName image, bool isSystemDisk = false)
    {
        using var file = mount.TryOpenRegular(name);
        return file is not null
            && inspector.Inspect(new HeaderSource(file, name)).BackingFile is { } backing
            && templates.MayBeBackedBy(backing, image)
            && !(isSystemDisk && PublishedFormat.IsRaw(file, name));
    }

    private List<FileName> RemoveAll(VolumeSession session, IStorageCall call, IReadOnlyList<FileName> files, Action? before = null)
    {
        var mount = session.Mount;
        var held = new List<(FileName Name, SafeFileHandle File)>();
        try
        {
            foreach (var file in files)
            {
                if (mount.TryStat(file.Text, out var stat) && !stat.IsRegular)
                {
                    throw new RefusedException(Refusal.ImageRejected, $"{file} is not a regular file; it is left alone");
                }

                if (DeletionLock.TryTake(mount, file) is { } taken)
                {
                    held.Add((file, taken));
                }
            }

            if (held.Count == 0)
            {
                return [];
            }

            // Whoever has given up waiting has been told nothing yet, so nothing may happen yet.
            if (call.IsAbandoned)
            {
                return [];
            }

            Deletion[] wanted = [.. held.Select(file => new Deletion(DirectoryHandle.Stat(file.File, file.Name.Text).Inode, file.Name))];
            before?.Invoke();
            var removed = new List<(FileName Name, SafeFileHandle File)>();
            var isBegun = false;
            try
            {
                deletions.Remember(session, wanted);

                // A disk whose publisher was cut short still has its private name. Without the record, recovery cannot make it a ready copy
                // again.
                held.ForEach(file => CopyRecord.Remove(file.File, file.Name.Text));

                // Not what has the name by now: nobody asked QEMU about that.
                isBegun = true;
                removed.AddRange(
                    held.Where(file => mount.TryUnlink(file.Name.Text, ofInode: DirectoryHandle.Stat(file.File, file.Name.Text).Inode)));

                // On Gluster the fsync of a directory does nothing, and that of a file without a name makes durable that it has none.
                removed.ForEach(file => DirectoryHandle.Sync(file.File, file.Name.Text));
                mount.SyncNames();
                return [.. removed.Select(file => file.Name)];
            }
            finally
            {
                // Nobody was told that these are gone. But a removal that failed may have been done.
                var kept = held.Except(removed).Where(file => !isBegun || HasName(file.File, file.Name)).Select(file => file.Name)
                    .ToHashSet();
                deletions.Forget(session, wanted.Where(deletion => kept.Contains(deletion.File)));
                if (isBegun)
                {
                    deleted.Keep([.. held.Where(file => !kept.Contains(file.Name)).Select(file => file.File)]);
                    held.RemoveAll(file => !kept.Contains(file.Name));
                }
            }
        }
        finally
        {
            held.ForEach(file => file.File.Dispose());
        }
    }

    private static bool HasName(SafeFileHandle file, FileName name)
    {
        try
        {
            return DirectoryHandle.StatSynced(file, name.Text).Links > 0;
        }
        catch (StorageException)
        {
            return false;
        }
    }

    private List<VolumeEntry> Entries(DirectoryHandle mount) => [.. mount.List(".").Select(names.Classify).OfType<VolumeEntry>()];
}
