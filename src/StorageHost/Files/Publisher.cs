using Microsoft.Win32.SafeHandles;
using StorageHost.Images;
using static StorageHost.Files.Publishing;

namespace StorageHost.Files;

/// <summary>Claims and publishes on the volume; the protocol itself is <see cref="Publishing"/>.</summary>
internal sealed class Publisher(StorageVolume volume, FileNames names, FilePermissions permissions, IImageInspector inspector, CopyNumbers numbers) : IPublisher
{
    private const int MaxDisksOfOneSize = 1000;

    public Task<ClaimResult> PublishAsync(Copy copy, Template template, Hostname hostname, CancellationToken cancellationToken) =>
        volume.RunAsync(
            "publish from the pool",
            (VolumeSession session, StorageCall<ClaimResult> call) =>
            {
                using var claim = session.Private.NewFile(PrivateKind.Claim, copy.Image.Text);
                if (!session.Mount.TryRename(names.Copy(copy.Image, copy.Number).Text, claim.Name))
                {
                    return new ClaimResult(ClaimOutcome.Gone, names.SystemDisk(hostname));
                }

                return Publish(session, call, claim, copy.Image, (file, stat) => stat.Inode == copy.Inode ? copy.Of : CopyRecord.Read(file, claim.Name), template, hostname);
            },
            cancellationToken);

    public Task<ClaimResult> PublishAsync(Claim claim, Template template, Hostname hostname, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "publish a new copy",
            (VolumeSession session, StorageCall<ClaimResult> call) =>
            {
                using var file = own();
                return Publish(session, call, file, claim.Image, (_, _) => claim.Of, template, hostname);
            },
            cancellationToken));

    public Task<Copy> AddToPoolAsync(Claim claim, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "add a copy to the pool",
            (VolumeSession session, StorageCall<Copy> _) =>
            {
                using var file = own();
                return AddToPool(session.Mount, file.Name, claim.Image);
            },
            cancellationToken));

    public Task RetireAsync(Copy copy, CancellationToken cancellationToken) => volume.RunAsync(
        "retire a copy",
        (VolumeSession session, StorageCall<bool> _) => session.Mount.TryUnlink(names.Copy(copy.Image, copy.Number).Text),
        cancellationToken);

    public Task<PrivateFile> NewDiskAsync(CancellationToken cancellationToken) =>
        volume.RunAsync(
            "make a disk's file",
            (VolumeSession session, StorageCall<PrivateFile> _) =>
            {
                // Made here, and not by qemu-img: a storage that hangs is noticed within the deadline, and the file is nobody else's to read.
                var file = session.Private.NewFile(PrivateKind.Making);
                using var made = session.Mount.Open(file.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x180 /* 0600 */);
                return file;
            },
            cancellationToken);

    public Task<FileName> PublishDataDiskAsync(PrivateFile file, Hostname hostname, int sizeGb, CancellationToken cancellationToken) =>
        OwnAsync(file, own => volume.RunAsync(
            "publish a data disk",
            (VolumeSession session, StorageCall<FileName> call) =>
            {
                using var owned = own();
                using var handle = session.Mount.Open(owned.Name);
                var header = inspector.Inspect(new HeaderSource(handle, owned.Name));
                if (header is not { Format: ImageFormat.Qcow2, BackingFile: null, Fault: null } || header.VirtualBytes != (long)sizeGb << 30)
                {
                    session.Mount.TryUnlink(owned.Name);
                    throw new RefusedException(Refusal.StorageUnavailable, "qemu-img made something else than the disk that was asked for");
                }

                permissions.Apply(handle, owned.Name);
                Mount.Sync(handle, owned.Name);
                FileName Name(int number) => names.DataDisk(hostname, sizeGb, number);
                var (outcome, number) = PublishFirstFree(
                    (name, tryAnswer) => NameGuard.Publish(session, handle, owned.Name, name, tryAnswer), Name, Enumerable.Range(0, MaxDisksOfOneSize), number => call.TryAnswer(Name(number)));
                if (outcome != Outcome.Published)
                {
                    session.Mount.TryUnlink(owned.Name);
                }

                return outcome != Outcome.Taken
                    ? Name(number)
                    : throw new RefusedException(Refusal.HostExists, $"{hostname} has {MaxDisksOfOneSize} data disks of {sizeGb} GiB already");
            },
            cancellationToken));

    /// <summary>Gives a copy to its pool.</summary>
    internal Copy AddToPool(Mount mount, string claim, ImageName image)
    {
        using var file = mount.Open(claim);
        var (outcome, number) = PublishFirstFree(
            (name, tryAnswer) => Publishing.Publish(mount, file, claim, name, tryAnswer), number => names.Copy(image, number), numbers(), _ => true);
        if (outcome == Outcome.Taken)
        {
            mount.TryUnlink(claim);
        }

        return new Copy(image, number, Mount.Stat(file, claim).Inode, CopyRecord.Read(file, claim));
    }

    private ClaimResult Publish(
        VolumeSession session,
        StorageCall<ClaimResult> call,
        PrivateFile claim,
        ImageName image,
        Func<SafeFileHandle, FileStat, Fingerprint?> recorded,
        Template template,
        Hostname hostname)
    {
        var disk = names.SystemDisk(hostname);
        using var file = session.Mount.Open(claim.Name);
        var stat = Mount.Stat(file, claim.Name);
        if (!CopyRecord.IsWhole(stat, recorded(file, stat), template.Fingerprint))
        {
            session.Mount.TryUnlink(claim.Name);
            return new ClaimResult(ClaimOutcome.Stale, disk);
        }

        var published = new ClaimResult(ClaimOutcome.Published, disk);
        return NameGuard.Publish(session, file, claim.Name, disk, () => call.TryAnswer(published)) == Outcome.Published
            ? published
            : new ClaimResult(ClaimOutcome.HostExists, disk, AddToPool(session.Mount, claim.Name, image));
    }

    /// <summary>Hands a private file over to work that may start late or never: it is released exactly once, when nobody can use it any more.</summary>
    private static async Task<T> OwnAsync<T>(PrivateFile file, Func<Func<PrivateFile>, Task<T>> run)
    {
        var owned = file;
        try
        {
            return await run(() => Interlocked.Exchange(ref owned, null) ?? throw new StorageException("open", file.Name, Errno.NoEntry));
        }
        finally
        {
            Interlocked.Exchange(ref owned, null)?.Dispose();
        }
    }
}
