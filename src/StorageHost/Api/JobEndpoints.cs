using Microsoft.AspNetCore.Http.HttpResults;
using StorageHost.Api.Errors;
using StorageHost.Images;
using StorageHost.Images.Jobs;

namespace StorageHost.Api;

/// <summary>Maps <c>/jobs</c>: long work, to watch and to cancel.</summary>
internal static class JobEndpoints
{
    public static void MapJobs(this IEndpointRouteBuilder api)
    {
        var jobs = api.MapGroup("/jobs").WithTags("Jobs");
        jobs.MapGet("", List).WithName("jobs").WithSummary("All jobs that are remembered, newest first")
            .RequireAuthorization(Scopes.Read).Refuses();
        jobs.MapGet("/{id}", Get).WithName("job").WithSummary("One job").RequireAuthorization(Scopes.Read).Refuses(404);
        jobs.MapDelete("/{id}", CancelAsync).WithName("cancelJob").WithSummary("Cancels a job")
            .RequireAuthorization(Scopes.Destroy).Refuses(404, 409);
    }

    private static Ok<JobsAnswer> List(ImageCacheService images) => TypedResults.Ok(JobsAnswer.Of(images.ListJobs()));

    private static Ok<JobAnswer> Get(string id, ImageCacheService images) => TypedResults.Ok(JobAnswer.Of(images.GetJob(id)));

    private static async Task<Ok<JobAnswer>> CancelAsync(string id, ImageCacheService images, CancellationToken cancellationToken) =>
        TypedResults.Ok(JobAnswer.Of(await images.CancelJobAsync(id, cancellationToken)));
}

/// <summary>Answers <c>/jobs</c>.</summary>
/// <param name="Jobs">The jobs that are remembered, newest first.</param>
internal sealed record JobsAnswer(IReadOnlyList<JobAnswer> Jobs)
{
    public static JobsAnswer Of(IEnumerable<JobStatus> jobs) => new([.. jobs.Select(JobAnswer.Of)]);
}

/// <summary>A job.</summary>
/// <param name="Id">Its id in <c>/jobs/{id}</c>.</param>
/// <param name="Kind">Whether it fills a pool, makes one disk or brings in a template.</param>
/// <param name="Image">The image that it copies or brings in.</param>
/// <param name="Hostname">For <c>setimage</c>: whose disk it makes; else null.</param>
/// <param name="State">Where it stands; the last three are final.</param>
/// <param name="CopiesDone">Copies, or templates, that are whole.</param>
/// <param name="CopiesTotal">Copies, or templates, that it is to make.</param>
/// <param name="BytesDone">Bytes behind it, holes counted as if they were written.</param>
/// <param name="BytesTotal">Bytes of all that it is to make; of a template whose size nobody has said, what has come so far.</param>
/// <param name="BytesPerSecond">Mean rate; 0 before copying began.</param>
/// <param name="EtaSeconds">Seconds left at that rate; null when nobody can tell.</param>
/// <param name="Error">Why it failed or waits; else null.</param>
/// <param name="Code">For one that failed: the code that a request refused for the same would be answered with; else null.</param>
/// <param name="Disk">For a finished <c>setimage</c>: the file of the system disk; else null.</param>
/// <param name="Created">When it was asked for.</param>
/// <param name="Ended">When it ended; null while it has not.</param>
internal sealed record JobAnswer(
    string Id, JobKind Kind, string Image, string? Hostname, JobState State,
    int CopiesDone, int CopiesTotal, long BytesDone, long BytesTotal, long BytesPerSecond, long? EtaSeconds,
    string? Error, string? Code, string? Disk, DateTimeOffset Created, DateTimeOffset? Ended)
{
    public static JobAnswer Of(JobStatus job) => new(
        job.Id, job.Kind, job.Image.Text, job.Hostname?.Text, job.State,
        job.CopiesDone, job.CopiesTotal, job.BytesDone, job.BytesTotal, job.BytesPerSecond,
        job.Eta is { } eta ? (long)Math.Ceiling(eta.TotalSeconds) : null,
        job.Error, job.Refusal is { } refusal ? ErrorTable.Of(refusal).Code : null, job.Disk?.Disk.Text, job.Created, job.Ended);
}
