using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Growing;
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
    VolumeSessions volume, FileNames names, ClaimPublisher claims, ReadyCopies ready, StandingDisks standing, TemplateGrowth growth,
    FilePermissions permissions, IImageInspector inspector, UnreadableFiles unreadable, TimeProvider time) : IPublisher
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
    public Task<PublishResult> PublishAsync(
        Claim claim, Hostname hostname, int? sizeGb, RequestMark? mark, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "publish a copy",
            (VolumeSession session, StorageCall<PublishResult> call) =>
            {
                using var file = own();
                return claims.Publish(
                    session, claim, names.SystemDisk(hostname), sizeGb, mark,
                    () => !call.IsAbandoned && !cancellationToken.IsCancellationRequested);
            },
            CancellationToken.None));

    public ValueTask CheckSizeAsync(ImageName image, int sizeGb, CancellationToken cancellationToken) =>
        growth.CheckAsync(image, sizeGb, cancellationToken);

    public Task<PublishResult?> FindAsync(Hostname hostname, RequestMark? mark, CancellationToken cancellationToken) => volume.RunAsync(
        "look for a system disk",
        (VolumeSession session, StorageCall<PublishResult?> _) =>
            names.SystemDisk(hostname) is var disk && session.Mount.TryStat(disk.Text, out var _)
                ? standing.Of(session, disk, mark)
                : null,
        cancellationToken);

    public Task<Copy> AddToPoolAsync(Claim claim, CancellationToken cancellationToken) =>
        OwnAsync(claim.File, own => volume.RunAsync(
            "add a copy to the pool",
            (VolumeSession session, StorageCall<Copy> _) =>
            {
                using var file = own();
                return ready.Add(session, file, claim.Image);
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
                new CopyOrigin("", header.VirtualBytes, time.GetUtcNow().ToUnixTimeMilliseconds()).Write(handle, file.Name);
                RequestMarks.Write(handle, file.Name, mark);
                DirectoryHandle.Sync(handle, file.Name);
                return PublishDataDisk(
                    session, file, hostname, sizeGb, mark, () => !call.IsAbandoned && !cancellationToken.IsCancellationRequested);
            },
            CancellationToken.None));

    /// <summary>The data disk that was made for this very request; null when there is none.</summary>
    private FileName? Repeated(VolumeSession session, Hostname hostname, int sizeGb, RequestMark? mark) => mark is null ? null
        : session.Mount.List(".", regularOnly: true).Select(names.Classify).OfType<DataDiskEntry>()
            .Where(disk => disk.Hostname == hostname && disk.SizeGb == sizeGb && standing.FindMark(session, disk.File, mark) is not null)
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

            if (standing.FindMark(session, disk, mark) is not null)
            {
                session.Mount.TryUnlink(file.Name);
                return disk;
            }

            StandingDisks.RefuseIfUndecided(session.Mount, disk, mark);
        }

        session.Mount.TryUnlink(file.Name);
        throw new RefusedException(Refusal.HostExists, $"{hostname} has {MaxDisksOfOneSize} data disks of {sizeGb} GiB already");
    }

    /// <summary>Looks whether what was claimed is an untouched copy; else it is retired.</summary>
    private static Claim? Check(DirectoryHandle mount, PrivateFile file, Copy copy)
    {
        var handle = GrowingFile.Opened(mount, file);
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
