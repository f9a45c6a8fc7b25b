using Microsoft.Win32.SafeHandles;
using StorageHost.Images;
using static StorageHost.Files.Publishing;

namespace StorageHost.Files;

/// <summary>Claims and publishes on the volume; the protocol itself is <see cref="Publishing"/>.</summary>
internal sealed class Publisher(
    StorageVolume volume, FileNames names, TemplateFile templates, FilePermissions permissions, IImageInspector inspector, CopyNumbers numbers,
    Tidying tidying, UnreadableFiles unreadable) : IPublisher
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
                return claim = session.Mount.TryRename(names.Copy(copy.Image, copy.Number).Text, file.Name) ? Check(session.Mount, file, copy) : null;
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

    public Task<ClaimResult> PublishAsync(Claim claim, Hostname hostname, RequestMark? mark, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "publish a copy",
            (VolumeSession session, StorageCall<ClaimResult> call) =>
            {
                var file = own();
                var isPublished = false;
                try
                {
                    var result = Publish(session, call, claim, names.SystemDisk(hostname), mark);
                    isPublished = result.Outcome == ClaimOutcome.Published;
                    return result;
                }
                finally
                {
                    if (isPublished)
                    {
                        tidying.Leave(file);
                    }
                    else
                    {
                        file.Dispose();
                    }
                }
            },
            UnlessMarked(mark, cancellationToken)));

    public Task<ClaimResult?> FindAsync(Hostname hostname, RequestMark? mark, CancellationToken cancellationToken) => volume.RunAsync(
        "look for a system disk",
        (VolumeSession session, StorageCall<ClaimResult?> _) =>
            names.SystemDisk(hostname) is var disk && session.Mount.TryStat(disk.Text, out var _) ? Standing(session.Mount, disk, mark) : null,
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
            names.Copy(copy.Image, copy.Number).Text is var name && unreadable.TryUse(name, () => session.Mount.TryUnlink(name, ofInode: copy.Inode), out var isGone) && isGone,
        cancellationToken);

    public Task RetireAsync(Claim claim, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "retire a claimed copy",
            (VolumeSession session, StorageCall<bool> _) =>
            {
                using var file = own();
                return unreadable.TryUse($"a claimed copy of {claim.Image}", () => session.Mount.TryUnlink(file.Name), out var isGone) && isGone;
            },
            cancellationToken));

    public Task<FileName> PublishDataDiskAsync(SafeFileHandle image, Hostname hostname, int sizeGb, RequestMark? mark, CancellationToken cancellationToken) =>
        OwnAsync(image, own => volume.RunAsync(
            "publish a data disk",
            (VolumeSession session, StorageCall<FileName> call) =>
            {
                using var owned = own();
                var header = inspector.Inspect(new HeaderSource(owned, "the new disk"));
                if (header is not { Format: ImageFormat.Qcow2, BackingFile: null, Fault: null } || header.VirtualBytes != (long)sizeGb << 30)
                {
                    throw new RefusedException(Refusal.StorageUnavailable, "qemu-img made something else than the disk that was asked for");
                }

                using var file = EmptyDisk.Write(session, owned);
                var handle = session.Mount.Opened(file);
                permissions.Apply(handle, file.Name);
                RequestMarks.Write(handle, file.Name, mark);
                Mount.Sync(handle, file.Name);
                var disk = Repeated(session.Mount, hostname, sizeGb, mark) ?? PublishDataDisk(session, file, number => names.DataDisk(hostname, sizeGb, number), mark, call);
                session.Mount.TryUnlink(file.Name);
                return disk ?? throw new RefusedException(Refusal.HostExists, $"{hostname} has {MaxDisksOfOneSize} data disks of {sizeGb} GiB already");
            },
            UnlessMarked(mark, cancellationToken)));

    /// <summary>Gives a copy to its pool.</summary>
    internal Copy AddToPool(VolumeSession session, PrivateFile file, ImageName image)
    {
        var handle = session.Mount.Opened(file);
        var last = 0;
        foreach (var number in numbers())
        {
            last = number;
            if (Publishing.Publish(session, file, names.Copy(image, number), () => true) != Outcome.Taken)
            {
                break;
            }
        }

        // There only when all numbers were taken: whoever takes the last one will see that it is another copy's.
        session.Mount.TryUnlink(file.Name);
        return new Copy(image, last, Mount.Stat(handle, file.Name).Inode, CopyRecord.Read(handle, file.Name));
    }

    /// <summary>What to say of a system disk that was there before.</summary>
    private static ClaimResult Standing(Mount mount, FileName disk, RequestMark? mark) => RequestMarks.Find(mount, disk, mark) is { } made
        ? new ClaimResult(ClaimOutcome.Repeated, disk, Source: made.Source)
        : new ClaimResult(ClaimOutcome.HostExists, disk);

    /// <summary>
    /// Somebody who left and asks again with the same key may be told of the disk before its first request ends: so a disk with a mark stays,
    /// whoever has left.
    /// </summary>
    private static bool Stays(RequestMark? mark) => mark is not null;

    /// <summary>Nor is the publishing of one given up before its deadline: a job that is cancelled meanwhile would deny the disk.</summary>
    private static CancellationToken UnlessMarked(RequestMark? mark, CancellationToken leaves) => Stays(mark) ? CancellationToken.None : leaves;

    /// <summary>Refuses what another publisher is at: it may be the very same request, of which nothing can be said yet.</summary>
    private static void RefuseIfUndecided(Mount mount, FileName disk, RequestMark? mark)
    {
        if (mark is not null && !mount.TryStat(disk.Text, out _))
        {
            throw new RefusedException(Refusal.StorageUnavailable, $"{disk} is being given away at this moment; the same request can be sent again");
        }
    }

    /// <summary>The data disk that was made for this very request; null when there is none.</summary>
    private FileName? Repeated(Mount mount, Hostname hostname, int sizeGb, RequestMark? mark) => mark is null ? null
        : mount.List(".", regularOnly: true).Select(names.Classify).OfType<DataDiskEntry>()
            .Where(disk => disk.Hostname == hostname && disk.SizeGb == sizeGb && RequestMarks.Find(mount, disk.File, mark) is not null)
            .Select(disk => (FileName?)disk.File).FirstOrDefault();

    /// <summary>Gives a data disk the first name that is free; null when none is. The name is another disk's when that was made for the same request just now.</summary>
    private static FileName? PublishDataDisk(VolumeSession session, PrivateFile file, Func<int, FileName> name, RequestMark? mark, StorageCall<FileName> call)
    {
        for (var number = 0; number < MaxDisksOfOneSize; number++)
        {
            var disk = name(number);
            if (Publishing.Publish(session, file, disk, () => call.TryAnswer(disk) || Stays(mark)) != Outcome.Taken || RequestMarks.Find(session.Mount, disk, mark) is not null)
            {
                return disk;
            }

            RefuseIfUndecided(session.Mount, disk, mark);
        }

        return null;
    }

    private ClaimResult Publish(VolumeSession session, StorageCall<ClaimResult> call, Claim claim, FileName disk, RequestMark? mark)
    {
        var file = claim.File;
        if (claim.Of != templates.Find(session.Mount, claim.Image).Fingerprint)
        {
            session.Mount.TryUnlink(file.Name);
            return new ClaimResult(ClaimOutcome.Stale, disk);
        }

        var published = new ClaimResult(ClaimOutcome.Published, disk);
        try
        {
            RequestMarks.Write(session.Mount.Opened(file), file.Name, mark);
            if (Publishing.Publish(session, file, disk, () => call.TryAnswer(published) || Stays(mark)) == Outcome.Published)
            {
                return published;
            }

            var standing = Standing(session.Mount, disk, mark);
            RefuseIfUndecided(session.Mount, disk, mark);
            if (mark is not null)
            {
                RequestMarks.Clear(session.Mount.Opened(file), file.Name);
            }

            return standing with { Returned = AddToPool(session, file, claim.Image) };
        }
        catch (StorageException exception) when (exception is { Call: "link", Errno: Errno.NoEntry })
        {
            return new ClaimResult(ClaimOutcome.Gone, disk);
        }
    }

    /// <summary>Looks whether what was claimed is an untouched copy; else it is retired.</summary>
    private static Claim? Check(Mount mount, PrivateFile file, Copy copy)
    {
        var handle = mount.Opened(file);
        var stat = Mount.Stat(handle, file.Name);
        if ((stat.Inode == copy.Inode ? copy.Of : CopyRecord.Read(handle, file.Name)) is { } of && CopyRecord.IsWhole(stat, of, of))
        {
            return new Claim(copy.Image, file, of);
        }

        mount.TryUnlink(file.Name);
        return null;
    }

    /// <summary>Hands a file over to work that may start late or never: it is released exactly once, when nobody can use it any more.</summary>
    private static async Task<T> OwnAsync<TFile, T>(TFile file, Func<Func<TFile>, Task<T>> run)
        where TFile : class, IDisposable
    {
        TFile? owned = file;
        try
        {
            return await run(() => Interlocked.Exchange(ref owned, null) ?? throw new StorageException("open", "a file whose caller has left", Errno.NoEntry));
        }
        finally
        {
            Interlocked.Exchange(ref owned, null)?.Dispose();
        }
    }
}
