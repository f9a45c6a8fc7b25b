using System.Collections.Concurrent;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Files.Unwrapping;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Importing;

/// <summary>
/// An upload that this daemon alone continues. What it tells as its offset is durable; what came since is forgotten by whoever goes on.
/// </summary>
internal sealed class OpenUpload : IOpenUpload
{
    private const int DigestBlock = 4 << 20;

    private readonly VolumeSessions volume;
    private readonly FileNames names;
    private readonly TemplatePublisher publisher;
    private readonly UploadParts parts;
    private readonly TakenUpload taken;
    private readonly IncomingFile part;
    private readonly long start;
    private readonly ConcurrentBag<AlignedBuffer> spare;
    private readonly TimeProvider time;
    private readonly NewerSender newer;
    private UploadDigest? digest;
    private bool isOver;

    public OpenUpload(
        VolumeSessions volume, FileNames names, TemplatePublisher publisher, UploadParts parts, TakenUpload taken, UploadDigest? digest,
        ConcurrentBag<AlignedBuffer> spare, TimeProvider time)
    {
        (this.volume, this.names, this.publisher, this.parts, this.taken) = (volume, names, publisher, parts, taken);
        (this.digest, this.spare, this.time) = (digest, spare, time);
        Status = taken.Stored.Status;
        start = taken.Stored.Parts[^1];
        var file = new PrivateFile(UploadFiles.PartOf(Status.Upload.Id, taken.Stored.Parts.Count - 1), _ => { }) { Handle = taken.Part };
        part = new IncomingFile(file, taken.Part);
        newer = new NewerSender(volume, taken, time);
    }

    public UploadStatus Status { get; private set; }

    public CancellationToken Overtaken => newer.Asks;

    public bool IsInParts => start > 0;

    public async Task AppendAsync(
        Stream content, Func<long, ValueTask> progress, CancellationToken left, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(left, cancellationToken);
        // What is not durable may have come from somebody else, and zeros that follow are not written.
        await RunAsync("continue an upload", () => part.Cut(Status.Offset - start), either.Token);
        var sofar = digest ?? new UploadDigest();
        var isWhole = digest is not null;
        digest = null;
        var receiver = new ContentReceiver(volume, content, TakeAsync, spare);
        try
        {
            await receiver.ReceiveAsync(
                part, Status.Offset - start, sofar.Hash, () => CheckpointAsync(start + receiver.Written), either.Token);
        }
        catch (Exception exception) when (
            exception is IOException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)

            // Not what the storage refused: nobody knows then what of it is durable.
            || exception is RefusedException { Reason: Refusal.UploadConflict or Refusal.NoSpace, InnerException: null })
        {
            // A write that was given up lies behind what is kept, and is not in the digest's length.
            isWhole &= exception is not OperationCanceledException;
            await KeepAsync();
            throw;
        }
        catch
        {
            sofar.Dispose();
            throw;
        }

        await KeepAsync();

        async Task KeepAsync()
        {
            await CheckpointAsync(start + receiver.Written);
            if (isWhole)
            {
                sofar.Length = Status.Offset;
                digest = sofar;
            }
            else
            {
                sofar.Dispose();
            }
        }

        ValueTask TakeAsync(long length) => start + length <= Status.Upload.Length ? progress(start + length) : throw new RefusedException(
            Refusal.UploadConflict, $"more came than the {Status.Upload.Length} bytes that were said; what was too much is forgotten");
    }

    public async Task<TemplateDetails> PublishAsync(
        Func<ImportProgress, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken)
    {
        var upload = Status.Upload;
        var wanted = new NewTemplate(upload.Image, TemplateRecord.Upload, upload.Length, upload.Sha256, upload.Replace, upload.Format);
        try
        {
            var made = IsInParts || await IsWrappedAsync(cancellationToken)
                ? await PublishCopyAsync(wanted, progress, confirm, cancellationToken)
                : await PublishPartAsync(wanted, progress, confirm, cancellationToken);
            isOver = true;
            await TryRemoveAsync();
            return made;
        }
        catch (RefusedException refusal) when (refusal.Reason is Refusal.DigestMismatch or Refusal.ImageRejected)
        {
            // No further piece can mend it.
            isOver = true;
            await TryRemoveAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // First: it looks at the file that is closed below.
        await newer.DisposeAsync();
        if (digest is not null && !isOver)
        {
            parts.Keep(Status.Upload.Id, digest);
        }
        else
        {
            digest?.Dispose();
        }

        // Now, with the lock: the next piece and whoever deletes the template need not wait for it.
        await TryCloseAsync();
    }

    /// <summary>All of it came through this mount: the file that it is in becomes the template.</summary>
    private async Task<TemplateDetails> PublishPartAsync(
        NewTemplate wanted, Func<ImportProgress, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken)
    {
        digest ??= await ReadDigestAsync(cancellationToken);
        var sha256 = Convert.ToHexStringLower(digest.Hash.GetCurrentHash());
        var name = part.File.Name;
        try
        {
            return await publisher.PublishAsync(wanted, part, Status.Upload.Length, sha256, progress, confirm, cancellationToken);
        }
        catch (RefusedException) when (part.File.Name != name)
        {
            // A quota near its limit let it be linked in the storage directory alone.
            await volume.RunAsync(
                "keep an upload",
                (VolumeSession session, StorageCall<bool> _) => session.Mount.TryRename(part.File.Name, name),
                CancellationToken.None);
            throw;
        }
    }

    /// <summary>
    /// Makes one new file of it: its parts came through several mounts, which would not see the others' bytes in them, or it is wrapped.
    /// </summary>
    private Task<TemplateDetails> PublishCopyAsync(
        NewTemplate wanted, Func<ImportProgress, ValueTask> progress, Func<Task> confirm, CancellationToken cancellationToken) =>
        IncomingFiles.WithAsync(
            volume,
            wanted.Image,
            async whole =>
            {
                await using var content = Content();
                using var all = new UploadDigest();
                await using var sent = await SentContent.OpenAsync(content, all.Hash, cancellationToken);
                var receiver = new ContentReceiver(
                    volume, sent, written => progress(new ImportProgress(Status.Upload.Length, sent.IsWrapped ? written : null)), spare);
                await receiver.ReceiveAsync(whole, 0, sent.IsWrapped ? null : all.Hash, null, cancellationToken);
                var sha256 = Convert.ToHexStringLower(all.Hash.GetCurrentHash());
                return await publisher.PublishAsync(wanted, whole, receiver.Written, sha256, progress, confirm, cancellationToken);
            },
            cancellationToken);

    private async Task<bool> IsWrappedAsync(CancellationToken cancellationToken)
    {
        var head = new byte[Wrappings.HeadBytes];
        await using var content = Content();
        var length = await content.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        return Wrappings.IsOne(head.AsSpan(0, length));
    }

    private StoredContent Content() => new(volume, Status.Upload.Id, taken.Stored.Parts, Status.Upload.Length);

    private async Task TryRemoveAsync()
    {
        try
        {
            await volume.RunAsync(
                "remove an upload",
                (VolumeSession session, StorageCall<bool> _) => UploadFiles.Remove(session.Mount, Status.Upload.Id, names),
                CancellationToken.None);
        }
        catch (RefusedException)
        {
            // Whoever opens or forgets it does.
        }
    }

    /// <summary>Makes durable what has come.</summary>
    private async Task CheckpointAsync(long length)
    {
        if (length == Status.Offset)
        {
            return;
        }

        var next = Status with { Offset = length, Continued = time.GetUtcNow() };
        await RunAsync(
            "make an upload durable",
            () =>
            {
                // As long as it says: then whoever reads less knows that something is wrong.
                part.Cut(length - start);
                DirectoryHandle.Sync(taken.Part, part.File.Name);
                UploadFiles.Write(taken.File, taken.Stored with { Status = next });
            },
            CancellationToken.None);
        Status = next;
    }

    /// <summary>Reads all of it once more: this daemon has not seen all of it come.</summary>
    private async Task<UploadDigest> ReadDigestAsync(CancellationToken cancellationToken)
    {
        var whole = new UploadDigest();
        await using var content = Content();
        var buffer = new byte[DigestBlock];
        while (await content.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            whole.Hash.AppendData(buffer, 0, read);
            whole.Length += read;
        }

        return whole;
    }

    private async Task TryCloseAsync()
    {
        try
        {
            await RunAsync("let an upload go", taken.Dispose, CancellationToken.None);
        }
        catch (RefusedException)
        {
            volume.Release(taken);
        }
    }

    private Task<bool> RunAsync(string operation, Action work, CancellationToken cancellationToken) => volume.TransferAsync(
        operation,
        (VolumeSession _, StorageCall<bool> _) =>
        {
            work();
            return true;
        },
        cancellationToken);
}
