using Microsoft.AspNetCore.Http.HttpResults;
using StorageHost.ImageStorages;

namespace StorageHost.Api;

/// <summary>Maps <c>/imagestorages</c>: how the storage is.</summary>
internal static class ImageStorageEndpoints
{
    public static void MapImageStorages(this IEndpointRouteBuilder api)
    {
        var storages = api.MapGroup("/imagestorages").WithTags("Image storages").RequireAuthorization(Scopes.Read);
        storages.MapGet("", List).WithName("imageStorages").WithSummary("The ids of the image storages").Refuses();
        storages.MapGet("/{id}", Get).WithName("imageStorage")
            .WithSummary("Hosts, volumes, disks, images and clones of an image storage").Refuses(404);
    }

    private static Ok<ImageStoragesAnswer> List(ImageStorageService storages) =>
        TypedResults.Ok(new ImageStoragesAnswer(storages.Ids));

    private static Ok<ImageStorageInfo> Get(string id, ImageStorageService storages) => TypedResults.Ok(storages.Get(id));
}

/// <summary>Answers <c>/imagestorages</c>.</summary>
/// <param name="ImageStorages">The ids.</param>
internal sealed record ImageStoragesAnswer(IReadOnlyList<string> ImageStorages);
