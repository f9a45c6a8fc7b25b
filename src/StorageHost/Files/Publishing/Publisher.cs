using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Publishing;

/// <summary>Claims and publishes on the volume; the protocol itself is <see cref="LinkProtocol"/>.</summary>
internal sealed class Publisher(
    VolumeSessions volume, FileNames names, TemplateFile templates, FilePermissions permissions, IImageInspector inspector,
    CopyNumbers numbers, UnreadableFiles unreadable) : IPublisher
{
    private const int MaxDisksOfOneSize = 1000;

    public Task<Claim?> ClaimAsync(Copy copy, CancellationToken cancellationToken) => volume.RunAsync(
        "claim a copy",
        (VolumeSession session, StorageCall<Claim?> _) =>
        {
            var file = session.Private.NewFile(PrivateKind.Claim, copy.Image.Text);
            Claim? claim = null;
            try
            {
                return claim = session.Mount.TryRename(names.Copy(copy.Image, copy.Number).Text, file.Name)
                    ? Check(session.Mount, file, copy)
                    : null;
            }
            finally
            {
                if (claim is null)
                {
                    file.Dispose();
                }
            }
        },
        cancellationToken);

    // The publishing is not given up before its deadline: once the name may have been given, nobody must be told that there is no disk.
    public Task<PublishResult> PublishAsync(Claim claim, Hostname hostname, RequestMark? mark, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "publish a copy",
            (VolumeSession session, StorageCall<PublishResult> call) =>
            {
                using var file = own();
                return Publish(
                    session, claim, names.SystemDisk(hostname), mark,
                    () => !call.IsAbandoned && !cancellationToken.IsCancellationRequested);
            },
            CancellationToken.None));

    public Task<PublishResult?> FindAsync(Hostname hostname, RequestMark? mark, CancellationToken cancellationToken) => volume.RunAsync(
        "look for a system disk",
        (VolumeSession session, StorageCall<PublishResult?> _) =>
            names.SystemDisk(hostname) is var disk && session.Mount.TryStat(disk.Text, out var _) ? Standing(session, disk, mark) : null,
        cancellationToken);

    public Task<Copy> AddToPoolAsync(Claim claim, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "add a copy to the pool",
            (VolumeSession session, StorageCall<Copy> _) =>
            {
                using var file = own();
                return AddToPool(session, file, claim.Image);
            },
            cancellationToken));

    public Task RetireAsync(Copy copy, CancellationToken cancellationToken) => volume.RunAsync(
        "retire a copy",
        (VolumeSession session, StorageCall<bool> _) =>
            names.Copy(copy.Image, copy.Number).Text is var name
                && unreadable.TryUse(name, () => session.Mount.TryUnlink(name, ofInode: copy.Inode), out var isGone)
                && isGone,
        cancellationToken);

    public Task RetireAsync(Claim claim, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "retire a claimed copy",
            (VolumeSession session, StorageCall<bool> _) =>
            {
                using var file = own();
                return unreadable.TryUse($"a claimed copy of {claim.Image}", () => session.Mount.TryUnlink(file.Name), out var isGone)
                    && isGone;
            },
            cancellationToken));

    public Task<FileName> PublishDataDiskAsync(
        SafeFileHandle image, Hostname hostname, int sizeGb, RequestMark? mark, CancellationToken cancellationToken) =>
        OwnAsync(image, own => volume.RunAsync(
            "publish a data disk",
            (VolumeSession session, StorageCall<FileName> call) =>
            {
                using var owned = own();
                var header = inspector.Inspect(new HeaderSource(owned, "the new disk"));
                if (header is not { Format: ImageFormat.Qcow2, BackingFile: null, Fault: null }
                    || header.VirtualBytes != (long)sizeGb << 30)
                {
                    throw new RefusedException(Refusal.StorageUnavailable, "qemu-img made something else than the disk that was asked for");
                }

                if (Repeated(session, hostname, sizeGb, mark) is { } made)
                {
                    return made;
                }

                using var file = EmptyDisk.Write(session, owned);
                var handle = session.Mount.Opened(file);
                permissions.Apply(handle, file.Name);
                RequestMarks.Write(handle, file.Name, mark);
                DirectoryHandle.Sync(handle, file.Name);
                return PublishDataDisk(
                    session, file, hostname, sizeGb, mark, () => !call.IsAbandoned && !cancellationToken.IsCancellationRequested);
            },
            CancellationToken.None));

    /// <summary>Gives a copy that never had a disk's name to its pool, under a number that was never used.</summary>
    /// <remarks>
    /// By a rename, which the server decides and which leaves no moment with two names. It would replace what has the new name, so a number
    /// that is seen to be taken is passed over; of two daemons that draw the same number at once, one loses a ready copy and nobody a disk.
    /// </remarks>
    internal Copy AddToPool(VolumeSession session, PrivateFile file, ImageName image)
    {
        var (mount, handle) = (session.Mount, session.Mount.Opened(file));
        foreach (var number in numbers())
        {
            var name = names.Copy(image, number).Text;
            if (!mount.TryStat(name, out _))
            {
                return mount.TryRename(file.Name, name)
                    ? Added(mount, handle, image, number, name)
                    : throw new StorageException("rename", file.Name, Errno.NoEntry);
            }
        }

        mount.TryUnlink(file.Name);
        throw new RefusedException(Refusal.StorageUnavailable, $"no free number was drawn for a copy of {image}");
    }

    private static Copy Added(DirectoryHandle mount, SafeFileHandle handle, ImageName image, int number, string name)
    {
        try
        {
            DirectoryHandle.Sync(handle, name);
            return new Copy(image, number, DirectoryHandle.Stat(handle, name).Inode, CopyRecord.Read(handle, name));
        }
        catch (StorageException)
        {
            // What could not be made durable is thrown away: a second fsync would say yes to data that the first one has lost.
            mount.TryUnlink(name);
            throw;
        }
    }

    /// <summary>What to say of a system disk that was there before.</summary>
    private static PublishResult Standing(VolumeSession session, FileName disk, RequestMark? mark) =>
        FindMark(session, disk, mark) is { } made
            ? new PublishResult(PublishOutcome.Repeated, disk, Source: made.Source)
            : new PublishResult(PublishOutcome.HostExists, disk);

    private static RequestMark? FindMark(VolumeSession session, FileName disk, RequestMark? mark) =>
        RequestMarks.Find(session.Mount, disk, mark, name => LinkProtocol.TryRemovePrivateName(session, name));

    /// <summary>Refuses what another publisher is at: it may be the very same request, of which nothing can be said yet.</summary>
    private static void RefuseIfUndecided(DirectoryHandle mount, FileName disk, RequestMark? mark)
    {
        if (mark is not null && !mount.TryStat(disk.Text, out _))
        {
            throw new RefusedException(
                Refusal.StorageUnavailable, $"another request is making {disk} at this moment; send the same request again");
        }
    }

    /// <summary>The data disk that was made for this very request; null when there is none.</summary>
    private FileName? Repeated(VolumeSession session, Hostname hostname, int sizeGb, RequestMark? mark) => mark is null ? null
        : session.Mount.List(".", regularOnly: true).Select(names.Classify).OfType<DataDiskEntry>()
            .Where(disk => disk.Hostname == hostname && disk.SizeGb == sizeGb && FindMark(session, disk.File, mark) is not null)
            .Select(disk => (FileName?)disk.File).FirstOrDefault();

    /// <summary>Gives a data disk the first name that is free, or finds the one that was made for the same request just now.</summary>
    private FileName PublishDataDisk(
        VolumeSession session, PrivateFile file, Hostname hostname, int sizeGb, RequestMark? mark, Func<bool> mayLink)
    {
        for (var number = 0; number < MaxDisksOfOneSize; number++)
        {
            var disk = names.DataDisk(hostname, sizeGb, number);
            switch (LinkProtocol.Publish(session, file, disk, mayLink, stat => stat.Links == 1, mark))
            {
                case NamingOutcome.Published: return disk;
                case NamingOutcome.Abandoned: throw new OperationCanceledException();
                case NamingOutcome.Gone: throw new StorageException("unlink", file.Name, Errno.NoEntry);
            }

            if (FindMark(session, disk, mark) is not null)
            {
                session.Mount.TryUnlink(file.Name);
                return disk;
            }

            RefuseIfUndecided(session.Mount, disk, mark);
        }

        session.Mount.TryUnlink(file.Name);
        throw new RefusedException(Refusal.HostExists, $"{hostname} has {MaxDisksOfOneSize} data disks of {sizeGb} GiB already");
    }

    private PublishResult Publish(VolumeSession session, Claim claim, FileName disk, RequestMark? mark, Func<bool> mayLink)
    {
        var (mount, file) = (session.Mount, claim.File);
        if (!templates.IsStill(mount, claim.Image, claim.MadeFrom.Template))
        {
            mount.TryUnlink(file.Name);
            return new PublishResult(PublishOutcome.Stale, disk);
        }

        RequestMarks.Write(mount.Opened(file), file.Name, mark);
        switch (LinkProtocol.Publish(session, file, disk, mayLink, stat => CopyRecord.IsWhole(stat, claim.MadeFrom, claim.MadeFrom), mark))
        {
            case NamingOutcome.Published: return new PublishResult(PublishOutcome.Published, disk);
            case NamingOutcome.Gone: return new PublishResult(PublishOutcome.Gone, disk);
            case NamingOutcome.Abandoned: return new PublishResult(PublishOutcome.Abandoned, disk, Return());
        }

        var standing = Standing(session, disk, mark);
        RefuseIfUndecided(mount, disk, mark);
        return standing with { Returned = Return() };

        Copy Return()
        {
            if (mark is not null)
            {
                RequestMarks.Clear(mount.Opened(file), file.Name);
            }

            return AddToPool(session, file, claim.Image);
        }
    }

    /// <summary>Looks whether what was claimed is an untouched copy; else it is retired.</summary>
    private static Claim? Check(DirectoryHandle mount, PrivateFile file, Copy copy)
    {
        var handle = mount.Opened(file);
        var stat = DirectoryHandle.StatNow(handle, file.Name);
        if ((stat.Inode == copy.Inode ? copy.MadeFrom : CopyRecord.Read(handle, file.Name)) is { } origin
            && CopyRecord.IsWhole(stat, origin, origin))
        {
            return new Claim(copy.Image, file, origin);
        }

        mount.TryUnlink(file.Name);
        return null;
    }

    /// <summary>
    /// Hands a file over to work that may start late or never: it is released exactly once, when nobody can use it any more.
    /// </summary>
    private static async Task<T> OwnAsync<TFile, T>(TFile file, Func<Func<TFile>, Task<T>> run)
        where TFile : class, IDisposable
    {
        TFile? owned = file;
        try
        {
            return await run(() =>
                Interlocked.Exchange(ref owned, null) ?? throw new StorageException("open", "a file whose caller has left", Errno.NoEntry));
        }
        finally
        {
            Interlocked.Exchange(ref owned, null)?.Dispose();
        }
    }
}
