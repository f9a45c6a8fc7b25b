using StorageHost.Images.Disks;
using StorageHost.Images.Jobs;
using StorageHost.Images.Pools;
using StorageHost.Images.Templates;

namespace StorageHost.Images;

/// <summary>Joins the core to a host; its ports are joined by the folders that implement them.</summary>
internal static class ImagesSetup
{
    public static IServiceCollection AddImages(this IServiceCollection services) => services
        .AddSingleton<ImageMetrics>()
        .AddSingleton<PoolTable>()
        .AddSingleton<JobTable>()
        .AddHostedService<JobMemory>()
        .AddSingleton<RefusedRoom>()
        .AddSingleton<PromisedRoom>()
        .AddSingleton<ProtectedTemplates>()
        .AddSingleton<KnownVersions>()
        .AddSingleton<PoolScanner>()
        .AddSingleton<ForegroundGate>()
        .AddSingleton<PoolPass>()
        .AddSingleton<PreclaimedCopies>()
        .AddSingleton<PoolReconciler>()
        .AddHostedService(provider => provider.GetRequiredService<PoolReconciler>())
        .AddSingleton<DiskProvisioner>()
        .AddSingleton<DiskService>()
        .AddSingleton<ImportAdmission>()
        .AddSingleton<TemplateJobs>()
        .AddSingleton<TemplateService>()
        .AddSingleton<UrlImports>()
        .AddSingleton<UploadService>()
        .AddHostedService<UploadKeeper>()
        .AddSingleton<ImageCacheService>();
}
