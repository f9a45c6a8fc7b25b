namespace StorageHost.ImageStorages;

/// <summary>Joins the image storage to a host; its ports are joined by the folders that implement them.</summary>
internal static class ImageStoragesSetup
{
    public static IServiceCollection AddImageStorages(this IServiceCollection services) => services
        .AddSingleton<VolumeHealth>()
        .AddSingleton<ImageLists>()
        .AddSingleton<ImageStorageService>();
}
