using Microsoft.Extensions.Options;
using StorageHost.Files.Catalog;
using StorageHost.Files.Copying;
using StorageHost.Files.Growing;
using StorageHost.Files.Importing;
using StorageHost.Files.Index;
using StorageHost.Files.Posix;
using StorageHost.Files.Publishing;
using StorageHost.Files.Removing;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;

namespace StorageHost.Files;

/// <summary>Joins the storage directory to a host.</summary>
internal static class FilesSetup
{
    public static IServiceCollection AddFiles(this IServiceCollection services) => services
        .AddSingleton(provider => new FileNames(Options(provider).TemplateSuffix))
        .AddSingleton(provider => new ImageStoragePolicy(Options(provider).Id, Environment.MachineName))
        .AddSingleton<IVolumePolicy>(Options)
        .AddSingleton<StorageThreads>()
        .AddSingleton<VolumeSessions>()
        .AddSingleton<CopyNumbers>(DrawnNumbers.Draw)
        .AddSingleton<FilePermissions>()
        .AddSingleton<TemplateFile>()
        .AddSingleton<TemplateAge>()
        .AddSingleton<WholeTemplates>()
        .AddSingleton<ReplacedTemplates>()
        .AddSingleton<CheckedTemplates>()
        .AddSingleton<TemplateList>()
        .AddSingleton<UnreadableFiles>()
        .AddSingleton<MultiLinkedCopies>()
        .AddSingleton<Recovery>()
        .AddSingleton<TemplateGrowth>()
        .AddSingleton<UnfinishedGrowth>()
        .AddSingleton<StandingDisks>()
        .AddSingleton<ReadyCopies>()
        .AddSingleton<ClaimPublisher>()
        .AddSingleton<IPublisher, Publisher>()
        .AddSingleton<IVolume, VolumeCatalog>()
        .AddSingleton<DeletedFileLocks>()
        .AddSingleton<BrickCalm>()
        .AddSingleton<BringsBack>(mount => mount.IsGluster)
        .AddSingleton<RememberedDeletions>()
        .AddSingleton<IRemover, Remover>()
        .AddSingleton<ICopyEngine, CopyEngine>()
        .AddSingleton<TemplateReplacement>()
        .AddSingleton<ForeignTemplates>()
        .AddSingleton<TemplatePublisher>()
        .AddSingleton<ITemplateImporter, TemplateImporter>()
        .AddSingleton<IUploadStore, UploadStore>()
        .AddSingleton<IJobJournal, JobJournal>()
        .AddSingleton<IMounts, MountTable>()
        .AddSingleton<ImageReader>()
        .AddSingleton<DirectoryPoller>()
        .AddSingleton<IDirectorySource>(provider => provider.GetRequiredService<DirectoryPoller>())
        .AddSingleton<IPoll>(provider => provider.GetRequiredService<DirectoryPoller>())
        .AddSingleton<IHostIndex, HostIndex>()
        .AddSingleton<IDiskIndex, DiskIndex>()
        .AddSingleton<IDiskGrower, DiskGrower>()
        .AddSingleton<ITemplateIndex, TemplateIndex>();

    private static StorageOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<StorageOptions>>().Value;
}
