using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>
/// Replaces a template, so that its name leads to the old file or to the new one at every instant, each of them whole. The old file first
/// gets a
/// second name, as a version; then the new one is renamed over it. Cut short in between, the version is the template itself, which the next
/// replacement clears away.
/// </summary>
internal sealed class TemplateReplacement(FileNames names, ReplacedTemplates replaced, IOptions<TemplatesOptions> options)
{
    /// <summary>Puts a private file, whole and fsynced, into the place of a template.</summary>
    /// <param name="session">The session that the file belongs to.</param>
    /// <param name="file">The file; it has its private name no longer.</param>
    /// <param name="image">Whose template.</param>
    /// <param name="mayChange">Whether the caller is still there; asked last before anything is changed.</param>
    /// <returns>False when there is no template to replace; nothing was changed.</returns>
    /// <exception cref="RefusedException">JobConflict: somebody else is replacing it.</exception>
    public bool TryReplace(VolumeSession session, PrivateFile file, ImageName image, Func<bool> mayChange)
    {
        using var turn = TakeTurn(session, image);
        var mount = session.Mount;
        using var before = mount.TryOpen(names.Template(image).Text);
        if (before is null)
        {
            return false;
        }

        if (!mayChange())
        {
            throw new OperationCanceledException();
        }

        RefuseInUse(mount, image, before);
        RefuseStale(mount, image, before);
        Keep(mount, image, before);
        MoveOver(mount, image, mount.Opened(file), file.Name, before);
        Prune(mount, image);
        Outlast(session);
        return true;
    }

    /// <summary>Puts the latest version into the template's place; the template becomes a version itself.</summary>
    /// <returns>The template as it is now, open.</returns>
    /// <exception cref="RefusedException">ImageNotFound; VersionNotFound; JobConflict: somebody else is replacing it.</exception>
    public SafeFileHandle Rollback(VolumeSession session, ImageName image, Func<bool> mayChange)
    {
        using var turn = TakeTurn(session, image);
        var mount = session.Mount;
        using var now = mount.TryOpen(names.Template(image).Text)
            ?? throw new RefusedException(Refusal.ImageNotFound, $"there is no template {image}");
        var inode = DirectoryHandle.Stat(now, names.Template(image).Text).Inode;
        var version = VersionFiles.Of(mount, names, image).Where(kept => kept.Stat.Inode != inode && kept.Stat.IsRegular)
            .Select(kept => kept.Number).FirstOrDefault(-1);
        if (version < 0)
        {
            throw new RefusedException(Refusal.VersionNotFound, $"no earlier version of the template {image} is kept");
        }

        var name = VersionFiles.NameOf(image, version);
        var file = mount.Open(name);
        try
        {
            if (!mayChange())
            {
                throw new OperationCanceledException();
            }

            RefuseInUse(mount, image, now);
            RefuseStale(mount, image, now);
            Keep(mount, image, now);
            replaced.Clear(file, image);
            MoveOver(mount, image, file, name, now);
            Prune(mount, image);
            Outlast(session);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // Asked under the turn: what was true when the request came may not be so any more.
    private void RefuseInUse(DirectoryHandle mount, ImageName image, SafeFileHandle before)
    {
        if (Protections.Exists(mount, image))
        {
            throw new RefusedException(Refusal.ImageProtected, $"the template {image} is protected");
        }

        if (!mount.Locks.TryKeepQemuOut(before, names.Template(image).Text))
        {
            throw new RefusedException(
                Refusal.DiskInUse,
                $"{names.Template(image)} is open in a virtual machine or another program, which has to be stopped first");
        }
    }

    /// <summary>
    /// A node that reads the old file all the time may go on taking it for the template, and would put its own over the new one.
    /// </summary>
    private void RefuseStale(DirectoryHandle mount, ImageName image, SafeFileHandle before)
    {
        if (replaced.IsOnlyVersion(mount, before, image))
        {
            throw new RefusedException(
                Refusal.JobConflict, $"the template {image} was replaced on another node a moment ago; send the same request again");
        }
    }

    // A client of Gluster remembers for a second which file a name leads to. After the answer every node shall see the new one, or the mark
    // on the old one, and whoever has the next turn must not keep or replace the old one again.
    private static void Outlast(VolumeSession session)
    {
        if (session.MountPoint.IsGluster)
        {
            TransientRetry.UntilForgotten(() => false);
        }
    }

    /// <summary>Becomes the only one, on any node, who replaces this template.</summary>
    private Turn TakeTurn(VolumeSession session, ImageName image)
    {
        var name = LockFile.OfTemplate(image);
        session.Mount.MakeDirectory(LockFile.PoolFolder);
        var held = LockFile.TryAcquire(session.Mount, name);
        IDisposable? right = null;
        try
        {
            right = held is null ? null : session.Names.TryTake(names.Template(image));
            return right is null
                ? throw new RefusedException(Refusal.JobConflict, $"the template {image} is being changed by another request")
                : new Turn(held!, right);
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    private void Keep(DirectoryHandle mount, ImageName image, SafeFileHandle before)
    {
        if (options.Value.KeepVersions == 0)
        {
            return;
        }

        mount.MakeDirectory(VersionFiles.Folder);
        var kept = VersionFiles.Of(mount, names, image);
        var inode = DirectoryHandle.Stat(before, names.Template(image).Text).Inode;
        if (kept.Exists(version => version.Stat.Inode == inode))
        {
            // By a replacement that was cut short.
            return;
        }

        for (var number = kept.Select(version => version.Number).FirstOrDefault() + 1; ; number++)
        {
            switch (mount.Link(names.Template(image).Text, before, VersionFiles.NameOf(image, number)))
            {
                case LinkOutcome.Linked or LinkOutcome.Found:
                    DirectoryHandle.Sync(before, VersionFiles.NameOf(image, number));
                    return;
                case LinkOutcome.Gone:
                    throw new StorageException("link", VersionFiles.NameOf(image, number), Errno.NoEntry);
            }
        }
    }

    private void MoveOver(DirectoryHandle mount, ImageName image, SafeFileHandle file, string from, SafeFileHandle before)
    {
        var to = names.Template(image).Text;
        if (!mount.TryRename(from, to))
        {
            throw new StorageException("rename", from, Errno.NoEntry);
        }

        try
        {
            // Also when a rename was tried twice: what has the name now may be the old file still.
            DirectoryHandle.Sync(file, to);
            if (!mount.LeadsTo(to, DirectoryHandle.StatNow(file, to)))
            {
                throw new StorageException("rename", from, Errno.NoEntry);
            }

            replaced.Mark(before, image);
        }
        catch (StorageException failed)
        {
            failed.LeavesOutcomeUnknown = true;
            throw;
        }
    }

    private void Prune(DirectoryHandle mount, ImageName image)
    {
        var current = mount.TryStat(names.Template(image).Text, out var stat) ? stat.Inode : 0;
        var versions = VersionFiles.Of(mount, names, image);
        foreach (var (number, _) in versions.Where(version => version.Stat.Inode == current)
            .Concat(versions.Where(version => version.Stat.Inode != current).Skip(options.Value.KeepVersions)))
        {
            mount.TryUnlink(VersionFiles.NameOf(image, number));
        }
    }

    /// <summary>The right to replace. The lock's file stays until the template goes: another node may remember it.</summary>
    private sealed class Turn(SafeFileHandle held, IDisposable right) : IDisposable
    {
        public void Dispose()
        {
            right.Dispose();
            held.Dispose();
        }
    }
}
