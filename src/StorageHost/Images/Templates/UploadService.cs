using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Templates;

/// <summary>
/// Uploads that can be continued: on any daemon of the volume, after any interruption. Their pieces come in order, each from where the
/// last durable byte is; the last one makes the template.
/// </summary>
internal sealed partial class UploadService(
    IUploadStore store, IVolume volume, IVolumePolicy policy, PromisedRoom promised, ImportAdmission admission, TemplateService templates,
    JobTable jobs, PoolTable pools, ForegroundGate gate, IOptions<ImportOptions> options, IHostApplicationLifetime lifetime,
    TimeProvider time, ILogger<UploadService> log)
{
    /// <summary>So many uploads may lie on the volume.</summary>
    private const int Most = 100;

    private static readonly TimeSpan BlockYieldLimit = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<UploadId, UploadWork> works = new();

    /// <summary>Begins an upload.</summary>
    /// <exception cref="RefusedException">ImageExists; ImageInUse; ImageProtected; TooLarge; NoSpace; TooManyRequests; and what the storage
    /// says.</exception>
    public async Task<UploadStatus> BeginAsync(Upload upload, CancellationToken cancellationToken)
    {
        await admission.RefuseTakenAsync(Wanted(upload), cancellationToken);
        if ((await store.ListAsync(cancellationToken)).Count >= Most)
        {
            throw new RefusedException(Refusal.TooManyRequests, $"{Most} uploads lie on the volume already; finish or cancel one");
        }

        using (var room = Room(upload))
        {
            await room.EnsureAsync(0, cancellationToken);
        }

        var status = await store.CreateAsync(upload, cancellationToken);
        Work(upload.Id).Reserve(upload.Length);
        LogBegun(upload.Id, upload.Image, upload.Length);
        return status;
    }

    /// <summary>All uploads on the volume, the oldest first.</summary>
    public async Task<IReadOnlyList<UploadStatus>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await store.ListAsync(cancellationToken)).OrderBy(status => status.Upload.Created)];

    /// <summary>One upload.</summary>
    /// <exception cref="RefusedException">UploadNotFound; and what the storage says.</exception>
    public Task<UploadStatus> GetAsync(UploadId id, CancellationToken cancellationToken) => store.FindAsync(id, cancellationToken);

    /// <summary>Adds a piece. An older request that still adds one is ended.</summary>
    /// <param name="id">Which upload.</param>
    /// <param name="offset">Where the piece begins.</param>
    /// <param name="length">How long the piece is; null when nobody has said.</param>
    /// <param name="content">The piece.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How the upload stands; and the template when this was the last piece.</returns>
    /// <exception cref="RefusedException">UploadNotFound; UploadConflict; JobConflict: it was cancelled; and what an import is refused
    /// for.</exception>
    public async Task<(UploadStatus Upload, TemplateStatus? Template)> AppendAsync(
        UploadId id, long offset, long? length, Stream content, CancellationToken cancellationToken)
    {
        var upload = (await store.FindAsync(id, cancellationToken)).Upload;
        var work = Work(id);
        using var turn = await work.TakeTurnAsync(policy.OperationTimeout, time, cancellationToken);
        using var place = admission.Enter();
        await using var opened = await store.OpenAsync(id, cancellationToken);
        RefuseElsewhere(opened.Status, offset, length);
        var job = work.Job(() => BeginJob(upload));
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(turn.Overtaken, opened.Overtaken, job.Cancelled);
        try
        {
            job.BeginPass(1, upload.Length);
            var made = await AppendAsync(work, job, opened, content, left.Token, ended.Token);
            return (opened.Status, made);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw lifetime.ApplicationStopping.IsCancellationRequested
                ? new RefusedException(Refusal.ShuttingDown, "the daemon is stopping; continue the upload on another one, or later")
                : job.Cancelled.IsCancellationRequested
                    ? new RefusedException(Refusal.JobConflict, $"the upload of {upload.Image} was cancelled")
                    : new RefusedException(Refusal.UploadConflict, "a newer request continues this upload, or it was removed");
        }
        catch (RefusedException refusal) when (refusal.Reason is Refusal.DigestMismatch or Refusal.ImageRejected)
        {
            Finish(id, finished => finished.Fail(refusal.Message, refusal.Reason));
            throw;
        }
        catch (RefusedException refusal)
        {
            job.Hinder(refusal.Message);
            throw;
        }
        finally
        {
            if (works.ContainsKey(id))
            {
                work.Reserve(upload.Length - opened.Status.Offset);
            }

            pools.Ring();
        }
    }

    /// <summary>Cancels an upload; what has come of it goes.</summary>
    /// <exception cref="RefusedException">UploadNotFound; and what the storage says.</exception>
    public async Task<UploadStatus> CancelAsync(UploadId id, CancellationToken cancellationToken)
    {
        var status = await store.FindAsync(id, cancellationToken);
        using (await Work(id).TakeTurnAsync(policy.OperationTimeout, time, cancellationToken))
        {
            if (!await store.RemoveAsync(id, cancellationToken))
            {
                throw new RefusedException(Refusal.UploadNotFound, "the upload was finished at this moment");
            }
        }

        Finish(id, job => job.EndCancelled());
        LogRemoved(id, status.Upload.Image, "it was cancelled");
        return status;
    }

    /// <summary>
    /// Takes up what other daemons did with uploads, promises each its room, and removes those that are of no use any more.
    /// </summary>
    /// <param name="isForgotten">Whether an upload was not continued for too long.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task LookAsync(Func<UploadStatus, bool> isForgotten, CancellationToken cancellationToken)
    {
        var present = await store.ListAsync(cancellationToken);
        foreach (var status in present)
        {
            var (id, image) = (status.Upload.Id, status.Upload.Image);
            var work = Work(id);
            if (work.IsBusy)
            {
                continue;
            }

            if (isForgotten(status))
            {
                if (!await store.ForgetAsync(id, cancellationToken))
                {
                    continue;
                }

                Finish(id, job => job.Fail("it was not continued for Import:UploadLifetime"));
                LogRemoved(id, image, "it was not continued for Import:UploadLifetime");
            }
            else
            {
                work.Reserve(status.Upload.Length - status.Offset);
                work.Show(status.Offset);
            }
        }

        foreach (var id in works.Keys.Except(present.Select(status => status.Upload.Id)))
        {
            if (works.TryGetValue(id, out var gone) && !gone.IsBusy)
            {
                Finish(id, job => job.Fail("it was finished or removed on another node"));
            }
        }
    }

    private async Task<TemplateStatus?> AppendAsync(
        UploadWork work, Job job, IOpenUpload opened, Stream content, CancellationToken left, CancellationToken ended)
    {
        var upload = opened.Status.Upload;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(left, ended);
        var cancellationToken = either.Token;
        if (opened.Status.Offset < upload.Length)
        {
            using var room = Room(upload);
            work.Reserve(0);
            await room.EnsureAsync(opened.Status.Offset, cancellationToken);
            await opened.AppendAsync(content, TakeAsync, left, ended);

            async ValueTask TakeAsync(long received)
            {
                job.Progress(received);
                await gate.YieldAsync(BlockYieldLimit, cancellationToken);
                await room.EnsureAsync(received, cancellationToken);
            }
        }

        if (opened.Status.Offset < upload.Length)
        {
            return null;
        }

        using var copy = Room(upload);
        if (opened.IsInParts)
        {
            await copy.EnsureAsync(0, cancellationToken);
        }

        var made = await opened.PublishAsync(
            MakeAsync, () => admission.RefuseTakenAsync(Wanted(upload), cancellationToken), cancellationToken);
        Finish(upload.Id, finished =>
        {
            finished.EndPass(1);
            finished.Succeed();
        });
        return await templates.TakeUpAsync(made, upload.Replace);

        async ValueTask MakeAsync(ImportProgress at)
        {
            await gate.YieldAsync(BlockYieldLimit, cancellationToken);
            await copy.EnsureAsync(at, cancellationToken);
        }
    }

    private static void RefuseElsewhere(UploadStatus status, long offset, long? length)
    {
        if (offset != status.Offset)
        {
            throw new RefusedException(
                Refusal.UploadConflict, $"the upload goes on at byte {status.Offset}, not at {offset}") { UploadOffset = status.Offset };
        }

        if (length > status.Upload.Length - offset)
        {
            throw new RefusedException(
                Refusal.UploadConflict, $"the piece is {length} bytes long, but only {status.Upload.Length - offset} are missing")
            {
                UploadOffset = status.Offset,
            };
        }
    }

    private UploadWork Work(UploadId id) => works.GetOrAdd(id, static (_, promised) => new UploadWork(promised), promised);

    private Job BeginJob(Upload upload)
    {
        var job = jobs.Begin(JobKind.Import, upload.Image);

        // Whoever cancels the job waits until it has ended.
        job.Cancelled.UnsafeRegister(_ => _ = TryCancelAsync(upload.Id, job), null);
        return job;
    }

    private async Task TryCancelAsync(UploadId id, Job job)
    {
        try
        {
            await CancelAsync(id, CancellationToken.None);
        }
        catch (RefusedException refusal)
        {
            job.Fail(refusal.Message, refusal.Reason);
        }
    }

    private void Finish(UploadId id, Action<Job> end)
    {
        if (works.TryRemove(id, out var work))
        {
            work.End(end);
        }
    }

    private ImportRoom Room(Upload upload) => new(volume, policy, promised, options, Wanted(upload));

    private static NewTemplate Wanted(Upload upload) =>
        new(upload.Image, TemplateRecord.Upload, upload.Length, upload.Sha256, upload.Replace, upload.Format);

    [LoggerMessage(Level = LogLevel.Information, Message = "Began the upload {Id} of the template {Image}: {Bytes} bytes")]
    private partial void LogBegun(UploadId id, ImageName image, long bytes);

    [LoggerMessage(Level = LogLevel.Information, Message = "Removed the upload {Id} of the template {Image}: {Reason}")]
    private partial void LogRemoved(UploadId id, ImageName image, string reason);
}
