using Microsoft.Extensions.Options;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Templates;

/// <summary>Templates that come to be through the daemon.</summary>
internal sealed partial class TemplateService(
    IVolume volume, ITemplateImporter importer, ImportAdmission admission, ITemplateIndex index, IRemover remover, PoolScanner scanner,
    ProtectedTemplates guarded, KnownVersions versions, IVolumePolicy policy, PromisedRoom promised, PoolTable pools, JobTable jobs,
    ForegroundGate gate, IOptions<ImportOptions> options, IHostApplicationLifetime lifetime, ILogger<TemplateService> log)
{
    /// <summary>How long a piece of a template waits for claims, which go first. Its sender waits as well, so it is not for long.</summary>
    private static readonly TimeSpan BlockYieldLimit = TimeSpan.FromMilliseconds(100);

    /// <summary>Makes a template of what a client sends; it has its name when it is whole and durable.</summary>
    /// <exception cref="RefusedException">ImageExists; TooLarge; NoSpace; DigestMismatch; ImageRejected; TooManyRequests; JobConflict:
    /// its job was cancelled; and what the storage says.</exception>
    public async Task<TemplateStatus> ImportAsync(NewTemplate wanted, Stream content, CancellationToken cancellationToken)
    {
        using var place = admission.Enter();
        await admission.RefuseTakenAsync(wanted, cancellationToken);
        using var room = new ImportRoom(volume, policy, promised, options, wanted);
        await room.EnsureAsync(0, cancellationToken);
        var job = jobs.Begin(JobKind.Import, wanted.Image);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, job.Cancelled, lifetime.ApplicationStopping);
        try
        {
            job.BeginPass(1, wanted.Length ?? 0);
            var made = await importer.ImportAsync(wanted, content, TakeAsync, ConfirmAsync, either.Token);
            job.EndPass(1);
            job.Succeed();
            return await TakeUpAsync(made, wanted.Replace);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            job.EndCancelled();
            throw lifetime.ApplicationStopping.IsCancellationRequested
                ? new RefusedException(Refusal.ShuttingDown, "the daemon is stopping")
                : new RefusedException(Refusal.JobConflict, $"the import of {wanted.Image} was cancelled");
        }
        catch (Exception exception)
        {
            var refusal = exception as RefusedException;
            job.Fail(refusal?.Message ?? "the sender broke off", refusal?.Reason);
            throw;
        }
        finally
        {
            pools.Ring();
        }

        // Linked clones may have come meanwhile, or somebody has protected it.
        Task ConfirmAsync() => wanted.Replace ? admission.RefuseTakenAsync(wanted, either.Token) : Task.CompletedTask;

        async ValueTask TakeAsync(ImportProgress at)
        {
            job.Progress(at.Received, wanted.Length ?? at.Received);
            await gate.YieldAsync(BlockYieldLimit, either.Token);
            await room.EnsureAsync(at, either.Token);
        }
    }

    /// <summary>Takes up a template that has just come to be.</summary>
    /// <param name="made">The template.</param>
    /// <param name="mayReplace">Whether there may have been one of that name before.</param>
    public async Task<TemplateStatus> TakeUpAsync(TemplateDetails made, bool mayReplace)
    {
        LogImported(made.Template.Image, made.Record?.Source, made.Template.Fingerprint.Size, made.Record?.Sha256);
        index.Add(made);
        if (mayReplace)
        {
            await RescanAsync();
        }

        return Status(new IndexedTemplate(made, 0));
    }

    /// <summary>All templates, sorted; the storage is not asked.</summary>
    public IReadOnlyList<TemplateStatus> List() => [.. index.List().Select(Status)];

    /// <summary>One template.</summary>
    /// <exception cref="RefusedException">ImageNotFound; and what the storage says.</exception>
    public async Task<TemplateStatus> GetAsync(ImageName image, CancellationToken cancellationToken) =>
        Status(await index.FindAsync(image, cancellationToken));

    /// <summary>Protects a template from being deleted and replaced; or no longer does.</summary>
    /// <exception cref="RefusedException">ImageNotFound; and what the storage says.</exception>
    public async Task<TemplateStatus> ProtectAsync(ImageName image, bool isProtected, CancellationToken cancellationToken)
    {
        await volume.FindTemplateAsync(image, cancellationToken);
        await volume.SetProtectedAsync(image, isProtected, cancellationToken);
        guarded.Change(image, isProtected);
        LogProtected(image, isProtected);
        return await GetAsync(image, cancellationToken);
    }

    /// <summary>Makes the version before the template again, and the template a version: a second rollback undoes the first.</summary>
    /// <exception cref="RefusedException">ImageNotFound; VersionNotFound; ImageProtected; ImageInUse; JobConflict; and what the storage
    /// says.</exception>
    public async Task<TemplateStatus> RollbackAsync(ImageName image, CancellationToken cancellationToken)
    {
        await remover.CheckImageAsync(image, cancellationToken);
        var now = await importer.RollbackAsync(image, cancellationToken);
        index.Add(now);
        LogRolledBack(image, now.Record?.Sha256);
        await RescanAsync();
        return Status(new IndexedTemplate(now, 0));
    }

    // Copies of the file before are stale, and the pool is to be filled anew.
    private async Task RescanAsync()
    {
        try
        {
            await scanner.ScanAsync(CancellationToken.None);
        }
        catch (RefusedException)
        {
            // The next regular scan sees it.
        }
    }

    private TemplateStatus Status(IndexedTemplate template)
    {
        var image = template.Details.Template.Image;
        var pool = pools.Find(image);
        return new TemplateStatus(template.Details, guarded.Contains(image), template.LinkedClones, versions.Of(template.Details.Template),
            pool?.Wanted ?? 0, pool?.Total ?? 0);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Imported the template {Image} from {Source}: {Bytes} bytes, sha256 {Sha256}")]
    private partial void LogImported(ImageName image, string? source, long bytes, string? sha256);

    [LoggerMessage(Level = LogLevel.Information, Message = "The template {Image} is protected: {IsProtected}")]
    private partial void LogProtected(ImageName image, bool isProtected);

    [LoggerMessage(Level = LogLevel.Information, Message = "The template {Image} is the version before again, sha256 {Sha256}")]
    private partial void LogRolledBack(ImageName image, string? sha256);
}
