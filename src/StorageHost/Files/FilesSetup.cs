using Microsoft.Extensions.Options;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>Joins the storage directory to a host.</summary>
internal static class FilesSetup
{
    public static IServiceCollection AddFiles(this IServiceCollection services) => services
        .AddSingleton(provider => new FileNames(Options(provider).TemplateSuffix))
        .AddSingleton(provider => new VolumePolicy(Options(provider).ReservePercent, Options(provider).RescanInterval))
        .AddSingleton<StorageThreads>()
        .AddSingleton<StorageVolume>()
        .AddSingleton<FilePermissions>()
        .AddSingleton<TemplateFile>()
        .AddSingleton<Recovery>()
        .AddSingleton<Publisher>()
        .AddSingleton<IPublisher>(provider => provider.GetRequiredService<Publisher>())
        .AddSingleton<IVolume, ImageVolume>()
        .AddSingleton<IRemover, Remover>()
        .AddSingleton<ICopyEngine, CopyEngine>();

    private static StorageOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<StorageOptions>>().Value;
}
