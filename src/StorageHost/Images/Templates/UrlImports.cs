using Microsoft.Extensions.Options;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Templates;

/// <summary>Templates that are fetched from a URL, straight into the volume; each is a job.</summary>
internal sealed partial class UrlImports(
    TemplateJobs jobs, IUrlSource source, ITemplateImporter importer, ImportAdmission admission, TemplateService templates, IVolume volume,
    IVolumePolicy policy, PromisedRoom promised, ForegroundGate gate, IOptions<ImportOptions> options, ILogger<UrlImports> log)
{
    /// <summary>So often what has come is thrown away and fetching begins anew, within one job.</summary>
    internal const int MostRestarts = 3;

    private static readonly TimeSpan BlockYieldLimit = TimeSpan.FromMilliseconds(100);

    /// <summary>Begins to fetch. What can be refused at once is.</summary>
    /// <exception cref="RefusedException">UrlRefused; TooManyRequests; ImageExists; ImageInUse; ImageProtected; and what the storage
    /// says.</exception>
    public Task<JobStatus> StartAsync(NewTemplate wanted, SourceUrl url, CancellationToken cancellationToken)
    {
        source.Check(url);
        return jobs.StartAsync(JobKind.Import, wanted, null, (job, ended) => MakeAsync(job, wanted, url, ended), cancellationToken);
    }

    private async Task MakeAsync(Job job, NewTemplate wanted, SourceUrl url, CancellationToken cancellationToken)
    {
        for (var restarts = 0; ; restarts++)
        {
            try
            {
                await FetchAsync(job, wanted, url, cancellationToken);
                return;
            }
            catch (RestartException why) when (restarts < MostRestarts)
            {
                LogRestarts(wanted.Image, job.Id, why.Message);
            }
            catch (RestartException why)
            {
                throw new RefusedException(
                    Refusal.UrlFailed, $"the template {wanted.Image} was begun {restarts + 1} times and never came whole: {why.Message}");
            }
        }
    }

    private async Task FetchAsync(Job job, NewTemplate wanted, SourceUrl url, CancellationToken cancellationToken)
    {
        job.BeginPass(1, 0);
        await using var fetched = await source.OpenAsync(url, job.Hinder, cancellationToken);
        if (!fetched.IsEndCertain && wanted.Sha256 is null)
        {
            throw new RefusedException(
                Refusal.UrlFailed,
                "the server does not say how long the image is, so half of it would look whole; name its sha256 in the request");
        }

        var known = wanted with { Length = fetched.Length };
        job.BeginPass(1, known.Length ?? 0);
        using var room = new ImportRoom(volume, policy, promised, options, known);
        await room.EnsureAsync(0, cancellationToken);
        var made = await importer.ImportAsync(known, fetched.Content, TakeAsync, ConfirmAsync, cancellationToken);
        await templates.TakeUpAsync(made, wanted.Replace);

        // Linked clones may have come meanwhile, or somebody has protected it.
        Task ConfirmAsync() => wanted.Replace ? admission.RefuseTakenAsync(wanted, cancellationToken) : Task.CompletedTask;

        async ValueTask TakeAsync(ImportProgress at)
        {
            job.Progress(at.Received, known.Length ?? at.Received);
            await gate.YieldAsync(BlockYieldLimit, cancellationToken);
            await room.EnsureAsync(at, cancellationToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Fetching the template {Image} begins anew (job {Job}): {Reason}")]
    private partial void LogRestarts(ImageName image, string job, string reason);
}
