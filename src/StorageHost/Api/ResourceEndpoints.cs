using FluentValidation.Results;
using Microsoft.AspNetCore.Http.HttpResults;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.ImageStorages;

namespace StorageHost.Api;

/// <summary>Pools and jobs, to watch and to cancel.</summary>
internal static class ResourceEndpoints
{
    public static void MapPools(this RouteGroupBuilder api)
    {
        var pools = api.MapGroup("/pools").WithTags("Pools").RequireAuthorization(Scopes.Read);
        pools.MapGet("", ListPools).WithName("pools").WithSummary("All pools").Refuses(503, 504);
        pools.MapGet("/{image}", GetPoolAsync).WithName("pool").WithSummary("One image's pool").Refuses(400, 404, 503, 504);
    }

    public static void MapJobs(this RouteGroupBuilder api)
    {
        var jobs = api.MapGroup("/jobs").WithTags("Jobs");
        jobs.MapGet("", ListJobs).WithName("jobs").WithSummary("All jobs that are remembered, newest first")
            .RequireAuthorization(Scopes.Read).Refuses();
        jobs.MapGet("/{id}", GetJob).WithName("job").WithSummary("One job").RequireAuthorization(Scopes.Read).Refuses(404);
        jobs.MapDelete("/{id}", CancelJobAsync).WithName("cancelJob").WithSummary("Cancels a job").RequireAuthorization(Scopes.Destroy).Refuses(404, 409);
    }

    public static void MapImageStorages(this RouteGroupBuilder api)
    {
        var storages = api.MapGroup("/imagestorages").WithTags("Image storages").RequireAuthorization(Scopes.Read);
        storages.MapGet("", ListImageStorages).WithName("imageStorages").WithSummary("The ids of the image storages").Refuses();
        storages.MapGet("/{id}", GetImageStorage).WithName("imageStorage").WithSummary("Hosts, volumes, disks, images and clones of an image storage").Refuses(404);
    }

    private static Ok<PoolsAnswer> ListPools(ImageCacheService images) => TypedResults.Ok(PoolsAnswer.Of(images.ListPools()));

    private static async Task<Ok<PoolAnswer>> GetPoolAsync(
        string image, FileNames names, ImageCacheService images, CancellationToken cancellationToken)
    {
        if (Rules.ImageFault(names, image, out var name) is { } fault)
        {
            throw new InvalidRequestException([new ValidationFailure(Wire.Image, fault)]);
        }

        return TypedResults.Ok(PoolAnswer.Of(await images.GetPoolAsync(name, cancellationToken)));
    }

    private static Ok<ImageStoragesAnswer> ListImageStorages(ImageStorageService storages) => TypedResults.Ok(new ImageStoragesAnswer(storages.Ids));

    private static Ok<ImageStorageInfo> GetImageStorage(string id, ImageStorageService storages) => TypedResults.Ok(storages.Get(id));

    private static Ok<JobsAnswer> ListJobs(ImageCacheService images) => TypedResults.Ok(JobsAnswer.Of(images.ListJobs()));

    private static Ok<JobAnswer> GetJob(string id, ImageCacheService images) => TypedResults.Ok(JobAnswer.Of(images.GetJob(id)));

    private static async Task<Ok<JobAnswer>> CancelJobAsync(string id, ImageCacheService images, CancellationToken cancellationToken) =>
        TypedResults.Ok(JobAnswer.Of(await images.CancelJobAsync(id, cancellationToken)));
}
