using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Api;

/// <summary>Maps <c>/pools</c>: the ready copies, to watch.</summary>
internal static class PoolEndpoints
{
    public static void MapPools(this IEndpointRouteBuilder api)
    {
        var pools = api.MapGroup("/pools").WithTags("Pools").RequireAuthorization(Scopes.Read);
        pools.MapGet("", List).WithName("pools").WithSummary("All pools").Refuses(503, 504);
        pools.MapGet("/{image}", GetAsync).WithName("pool").WithSummary("One image's pool").Refuses(400, 404, 503, 504);
    }

    private static Ok<PoolsAnswer> List(ImageCacheService images) => TypedResults.Ok(PoolsAnswer.Of(images.ListPools()));

    private static async Task<Ok<PoolAnswer>> GetAsync(
        string image, FileNames names, ImageCacheService images, CancellationToken cancellationToken)
    {
        var name = names.Image(image);
        return name.Fault is { } fault
            ? throw new InvalidRequestException([new ValidationFailure(Wire.Image, fault)])
            : TypedResults.Ok(PoolAnswer.Of(await images.GetPoolAsync(name.Value, cancellationToken)));
    }
}

/// <summary>Answers <c>dup</c> and <c>/pools</c>.</summary>
/// <param name="Pools">The pools, sorted by image.</param>
internal sealed record PoolsAnswer(IReadOnlyList<PoolAnswer> Pools)
{
    public static PoolsAnswer Of(IEnumerable<PoolStatus> pools) => new([.. pools.Select(PoolAnswer.Of)]);
}

/// <summary>A pool.</summary>
/// <param name="Image">Whose copies it holds.</param>
/// <param name="Wanted">How many ready copies it is to hold.</param>
/// <param name="Ready">How many it holds.</param>
/// <param name="Copying">Copies in the making.</param>
/// <param name="Waiting">Callers of <c>setimage</c> who wait for a copy.</param>
/// <param name="Hits">Claims met by a ready copy since the daemon started.</param>
/// <param name="Misses">Claims that had to wait for a copy since then.</param>
/// <param name="LastRefill">When a copy was last added; null when none was.</param>
/// <param name="Template">The state of the template; null when it was not read yet.</param>
/// <param name="Job">The job in <c>/jobs/{id}</c> that fills it; null when none does.</param>
/// <param name="Problem">Why it is not filled just now; null when nothing is in its way.</param>
/// <param name="ProblemSince">Since when that is so; null when nothing is in its way.</param>
internal sealed record PoolAnswer(
    string Image, int Wanted, int Ready, int Copying, int Waiting, long Hits, long Misses,
    DateTimeOffset? LastRefill, TemplateAnswer? Template, string? Job, string? Problem, DateTimeOffset? ProblemSince)
{
    public static PoolAnswer Of(PoolStatus pool) => new(
        pool.Image.Text, pool.Wanted, pool.Ready, pool.Copying, pool.Waiting, pool.Hits, pool.Misses,
        pool.LastRefill, pool.Template is { } template ? TemplateAnswer.Of(template) : null, pool.JobId,
        pool.Problem?.Message, pool.Problem?.Since);
}

/// <summary>A template's fingerprint: copies made of another state of it are stale.</summary>
/// <param name="Size">Length in bytes.</param>
/// <param name="Modified">Time of the last modification.</param>
/// <param name="ModifiedNs">The same in nanoseconds since 1970: files are told apart by each of them.</param>
/// <param name="Inode">Inode number.</param>
internal sealed record TemplateAnswer(long Size, DateTimeOffset Modified, long ModifiedNs, ulong Inode)
{
    public static TemplateAnswer Of(Fingerprint template) => new(
        template.Size,
        DateTimeOffset.UnixEpoch.AddTicks(template.ModifiedNs / TimeSpan.NanosecondsPerTick),
        template.ModifiedNs,
        template.Inode);
}
