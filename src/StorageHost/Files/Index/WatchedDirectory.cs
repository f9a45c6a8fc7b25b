using System.Runtime.CompilerServices;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Index;

/// <summary>A configured directory and the index of what lies in it.</summary>
/// <param name="name">Its name in the configuration.</param>
/// <param name="path">Its full path.</param>
/// <param name="threads">Threads and a breaker that no other mount depends on.</param>
/// <param name="open">Opens it.</param>
/// <param name="interval">How long after one look the next begins.</param>
/// <param name="reader">Reads image files.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where trouble goes.</param>
internal sealed partial class WatchedDirectory(
    string name, string path, StorageThreads threads, Func<CancellationToken, Task<OpenedDirectory>> open, Func<TimeSpan> interval,
    ImageReader reader, TimeProvider time, ILogger log)
    : IPolled<DirectoryFacts>
{
    /// <summary>How long one storage call of a pass may go on: other calls wait for its thread.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(200);

    private readonly MultiLinkedDisks multiLinked = new(time);
    private ImageIndex index = ImageIndex.Empty;
    private MountPoint? lastPoint;
    private int lastSkipped;

    public string Name { get; } = name;

    /// <remarks>Each storage call has its deadline; how many a large directory takes, nobody knows.</remarks>
    public PollPace Pace => new(interval(), interval(), Timeout.InfiniteTimeSpan);

    public async IAsyncEnumerable<Facts<DirectoryFacts>> LookAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new(await ReadAsync(cancellationToken), TakenAt: null, Problem: null);
    }

    /// <summary>Looks at it: how it is mounted, what room there is, and what changed in it.</summary>
    /// <exception cref="FactsException">It is missing, dead, hung or not mounted.</exception>
    internal async Task<DirectoryFacts> ReadAsync(CancellationToken cancellationToken)
    {
        Background.Begin();
        try
        {
            using var opened = await open(cancellationToken);
            RefuseIfUnmounted(opened.Point);
            using var pass = new IndexPass(index, reader, opened.Mount, path);
            while (!await threads.TransferAsync($"index {Name}", (StorageCall<bool> call) => pass.Advance(Until(call)), cancellationToken))
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            // After the listing: from a mount that died meanwhile this fails, and the old facts stay.
            var space = await threads.RunAsync(
                $"read the room on {Name}", (StorageCall<VolumeSpace> _) => opened.Mount.Space(), cancellationToken);
            (index, lastPoint) = (pass.Finish(), opened.Point);
            Report(pass.Skipped);
            var (type, point, source, device) = opened.Point;
            return new DirectoryFacts(
                type, source, point, device, space.TotalBytes, space.FreeBytes, index.Images, multiLinked.Take(pass.MultiLinked))
            {
                Templates = index.Templates,
                Disks = index.Disks,
            };
        }
        catch (RefusedException exception)
        {
            throw new FactsException(exception.Message, exception);
        }
    }

    private Func<bool> Until(StorageCall<bool> call)
    {
        var started = time.GetTimestamp();
        return () => call.IsAbandoned || time.GetElapsedTime(started) > Slice;
    }

    /// <summary>An empty mount point looks like a directory whose images were all deleted.</summary>
    private void RefuseIfUnmounted(MountPoint now)
    {
        if (lastPoint is { } before && now.Path.Length < before.Path.Length)
        {
            throw new FactsException(
                $"the volume is not mounted any more: the directory lay on {before.FileSystemType}, and now lies on {now.FileSystemType}");
        }
    }

    private void Report(int skipped)
    {
        if (skipped == lastSkipped)
        {
            return;
        }

        lastSkipped = skipped;
        if (skipped > 0)
        {
            LogSkipped(skipped, Name);
        }
        else
        {
            LogNoneSkipped(Name);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Files in {Directory} that are named like images and cannot be read: {Count}. They are not listed")]
    private partial void LogSkipped(int count, string directory);

    [LoggerMessage(Level = LogLevel.Information, Message = "All files in {Directory} that are named like images can be read again")]
    private partial void LogNoneSkipped(string directory);
}
