using Microsoft.Extensions.Options;
using StorageHost.Files.Session;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>
/// Keeps the index of the served directory and of each extra one. Each has its own poll, threads and breaker, so that a hung mount
/// takes nothing with it but its own facts.
/// </summary>
internal sealed class DirectoryPoller : IDirectorySource, IPoll, IDisposable
{
    /// <summary>One call may hang, and the next look may still find out that it hangs no more.</summary>
    private const int ThreadsOfExtra = 2;

    private readonly List<(string Name, PolledFacts<DirectoryFacts> Facts)> directories;
    private readonly List<StorageThreads> extraThreads = [];
    private readonly StorageOptions settings;
    private readonly VolumeSessions volume;

    public DirectoryPoller(
        VolumeSessions volume, StorageThreads threads, ImageReader reader, IOptions<StorageOptions> options, TimeProvider time,
        ILoggerFactory logs)
    {
        settings = options.Value;
        this.volume = volume;
        var log = logs.CreateLogger<DirectoryPoller>();
        directories =
        [
            Watch(settings.VolumeId, settings.Directory, threads, volume.OpenAsync),
            .. settings.ExtraVolumes.OrderBy(extra => extra.Key, StringComparer.Ordinal)
                .Select(extra => WatchExtra(extra.Key, extra.Value)),
        ];

        (string, PolledFacts<DirectoryFacts>) Watch(
            string name, string path, StorageThreads own, Func<CancellationToken, Task<OpenedDirectory>> open)
        {
            var directory = new WatchedDirectory(name, path, own, open, () => settings.IndexInterval, reader, time, log);
            return (name, new PolledFacts<DirectoryFacts>(directory, new PollLog(name, log), time));
        }

        (string, PolledFacts<DirectoryFacts>) WatchExtra(string name, string path)
        {
            var own = new StorageThreads(settings, ThreadsOfExtra, time, logs.CreateLogger<StorageThreads>());
            extraThreads.Add(own);
            return Watch(
                name, path, own,
                token => own.RunAsync($"open {name}", (StorageCall<OpenedDirectory> _) => OpenedDirectory.Open(path), token));
        }
    }

    public IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> Latest =>
        [.. directories.Select((directory, place) =>
            (directory.Name, place == 0 ? OfServed(directory.Facts.Latest) : directory.Facts.Latest))];

    public Task RunAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(directories.Select(directory => directory.Facts.RunAsync(stoppingToken)));

    public void Dispose() => extraThreads.ForEach(threads => threads.Dispose());

    /// <summary>What writing to the served directory has shown since its facts were taken.</summary>
    private Facts<DirectoryFacts> OfServed(Facts<DirectoryFacts> facts) =>
        facts.Value is { } directory && (volume.Unwritable ?? volume.Full) is not null
            ? facts with { Value = directory with { Unwritable = volume.Unwritable, Refused = volume.Full } }
            : facts;
}
