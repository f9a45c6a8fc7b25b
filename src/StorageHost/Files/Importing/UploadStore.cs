using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>Keeps uploads on the volume. Whoever continues one has a lock on its file.</summary>
/// <param name="volume">Where they lie.</param>
/// <param name="names">Which names there may be.</param>
/// <param name="publisher">Makes templates of them.</param>
/// <param name="unreadable">Knows the files that the storage does not give.</param>
/// <param name="time">The clock.</param>
/// <param name="mount">What tells this mount of the volume from others; the node and the directory when null.</param>
internal sealed class UploadStore(
    VolumeSessions volume, FileNames names, TemplatePublisher publisher, UnreadableFiles unreadable, TimeProvider time,
    string? mount = null) : IUploadStore
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Each time another node goes on there is one more part.</summary>
    private const int MostParts = 50;

    /// <summary>Longer than whoever continues an upload takes to see that it is to end, and to end its last write.</summary>
    private static readonly TimeSpan OvertakeLimit = TimeSpan.FromSeconds(10);

    private readonly UploadParts parts = new(volume, names, publisher, time);

    public Task<UploadStatus> CreateAsync(Upload upload, CancellationToken cancellationToken) => volume.RunAsync(
        "begin an upload",
        (VolumeSession session, StorageCall<UploadStatus> _) =>
        {
            UploadFiles.Create(session, upload);
            return new UploadStatus(upload, 0, upload.Created);
        },
        cancellationToken);

    public async Task<IReadOnlyList<UploadStatus>> ListAsync(CancellationToken cancellationToken)
    {
        var found = await volume.TransferAsync(
            "list the uploads",
            (VolumeSession session, StorageCall<List<UploadStatus>> _) =>
            [
                .. session.Mount.TryList(UploadFiles.Folder)
                    .Select(name => UploadId.TryParse(name, out var id) ? TryRead(session.Mount, id) : null).OfType<UploadStatus>(),
            ],
            cancellationToken);
        parts.ForgetAllBut(found.Select(status => status.Upload.Id));
        return found;
    }

    public Task<UploadStatus> FindAsync(UploadId id, CancellationToken cancellationToken) => volume.RunAsync(
        "look at an upload",
        (VolumeSession session, StorageCall<UploadStatus> _) =>
        {
            using var file = session.Mount.TryOpen(UploadFiles.NameOf(id));
            return Read(file, id).Status;
        },
        cancellationToken);

    public async Task<IOpenUpload> OpenAsync(UploadId id, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var opened = await volume.RunAsync(
                "continue an upload",
                (VolumeSession session, StorageCall<TakenUpload?> _) => TryTake(session, id),
                cancellationToken);
            if (opened is not null)
            {
                return parts.Begin(opened);
            }

            if (time.GetElapsedTime(started) > OvertakeLimit)
            {
                throw new RefusedException(
                    Refusal.UploadConflict, "another request continues this upload, and does not end; try again in a moment");
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }
    }

    public Task<bool> RemoveAsync(UploadId id, CancellationToken cancellationToken) => volume.RunAsync(
        "remove an upload",
        (VolumeSession session, StorageCall<bool> _) => UploadFiles.Remove(session.Mount, id, names),
        cancellationToken);

    public Task<bool> ForgetAsync(UploadId id, CancellationToken cancellationToken) => volume.RunAsync(
        "forget an upload",
        (VolumeSession session, StorageCall<bool> _) =>
        {
            using var file = session.Mount.TryOpen(UploadFiles.NameOf(id), Syscalls.ReadWrite);
            return file is not null && LockFile.TryHold(session.Mount, file, UploadFiles.NameOf(id))
                && UploadFiles.Remove(session.Mount, id, names);
        },
        cancellationToken);

    /// <summary>Takes the lock of an upload; null when somebody else has it, who is asked to end.</summary>
    private TakenUpload? TryTake(VolumeSession session, UploadId id)
    {
        var file = session.Mount.TryOpen(UploadFiles.NameOf(id), Syscalls.ReadWrite);
        SafeFileHandle? part = null;
        var isTaken = false;
        try
        {
            _ = Read(file, id);
            if (!LockFile.TryHold(session.Mount, file!, UploadFiles.NameOf(id)))
            {
                UploadFiles.Ask(file!, id);
                return null;
            }

            // It may have gone on until a moment ago.
            UploadFiles.Unask(file!, id);
            var stored = Read(file, id);
            part = OpenPart(session, file!, ref stored);
            isTaken = true;
            return new TakenUpload(stored, file!, part);
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoEntry or Errno.Stale)
        {
            // Another node has just finished or removed it.
            throw NotFound();
        }
        finally
        {
            if (!isTaken)
            {
                part?.Dispose();
                file?.Dispose();
            }
        }
    }

    /// <summary>Opens the last part where it is this mount's, else begins one.</summary>
    private SafeFileHandle OpenPart(VolumeSession session, SafeFileHandle file, ref StoredUpload stored)
    {
        var (id, writer) = (stored.Status.Upload.Id, mount ?? UploadWriter.Of(volume.Directory));
        for (var number = 0; number < stored.Parts.Count; number++)
        {
            if (!session.Mount.TryStat(UploadFiles.PartOf(id, number), out var stat) || stat.Links > 1)
            {
                // It was published, and whoever did so was cut short.
                UploadFiles.Remove(session.Mount, id, names);
                throw NotFound();
            }
        }

        if (stored.Parts.Count > 0 && stored.Writer == writer
            && session.Mount.TryOpenDirect(UploadFiles.PartOf(id, stored.Parts.Count - 1)) is { } last)
        {
            return last;
        }

        if (stored.Parts.Count >= MostParts)
        {
            throw new RefusedException(
                Refusal.UploadConflict,
                $"the upload went from node to node {MostParts} times; continue it on {UploadWriter.NodeOf(stored.Writer)}");
        }

        stored = stored with { Parts = [.. stored.Parts, stored.Status.Offset], Writer = writer };
        var name = UploadFiles.PartOf(id, stored.Parts.Count - 1);
        session.Mount.TryUnlink(name);
        var part = session.Mount.CreateDirect(name);
        try
        {
            DirectoryHandle.Sync(part, name);
            UploadFiles.Write(file, stored);
            return part;
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    private UploadStatus? TryRead(DirectoryHandle directory, UploadId id) => unreadable.TryUse(
        UploadFiles.NameOf(id),
        () =>
        {
            using var file = directory.TryOpenRegular(UploadFiles.NameOf(id));
            return file is null ? null : UploadFiles.Read(file, id, names)?.Status;
        },
        out var status) ? status : null;

    private StoredUpload Read(SafeFileHandle? file, UploadId id) =>
        (file is null ? null : UploadFiles.Read(file, id, names)) ?? throw NotFound();

    private static RefusedException NotFound() => new(
        Refusal.UploadNotFound, "there is no such upload: it was finished, cancelled, or not continued for Import:UploadLifetime");
}
