using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StorageHost.Files.Catalog;
using StorageHost.Files.Index;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;
using StorageHost.Qemu;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Qemu;

namespace StorageHost.Tests.Files.Index;

/// <summary>A directory of images that is watched, and how often a file in it was opened for that.</summary>
internal sealed class WatchedImages : IImageInspector, IDisposable
{
    private static readonly FileNames Names = new("_template.img");

    private readonly Scratch scratch = new();
    private readonly ImageInspector inspector = new();
    private readonly StorageThreads threads;
    private readonly WatchedDirectory watched;
    private int opened;

    public WatchedImages(string servedDirectory = "/served", ILogger? log = null)
    {
        var options = Options.Create(new StorageOptions { Directory = servedDirectory, Threads = 4 });
        threads = new StorageThreads(options, TimeProvider.System, NullLogger<StorageThreads>.Instance);
        var volume = new VolumeSessions(options, threads, NullLogger<VolumeSessions>.Instance);
        Reader = new ImageReader(Names, this, new TemplateFile(Names, this, volume, new ReplacedTemplates(Names)));
        watched = new WatchedDirectory("ssd", Path, threads, OpenAsync, () => TimeSpan.Zero, Reader, TimeProvider.System, log ?? NullLogger.Instance);
        Directory.CreateDirectory(Path);
    }

    public string Path => scratch.File("images");

    public ImageReader Reader { get; }

    /// <summary>Where the directory is said to lie; null for the truth.</summary>
    public MountPoint? LiesOn { get; set; }

    /// <summary>Whether the storage fails to read files.</summary>
    public bool CannotRead { get; set; }

    public string File(string name) => $"{Path}/{name}";

    public void Write(string name, int bytes = 512) => System.IO.File.WriteAllBytes(File(name), new byte[bytes]);

    public void Remove(string name) => new FileInfo(File(name)).Delete();

    public Task CreateAsync(string name, string size, params string[] more) =>
        RealQemuImg.RunAsync(["create", "-q", "-f", "qcow2", .. more, File(name), size]);

    public Task<DirectoryFacts> LookAsync() => watched.ReadAsync(CancellationToken.None);

    /// <summary>Looks, and says how many files were opened for it.</summary>
    public async Task<int> OpensAsync()
    {
        var before = opened;
        await LookAsync();
        return opened - before;
    }

    public ForeignImage? FindForeign(IHeaderSource source) => null;

    public ImageHeader Inspect(IHeaderSource source)
    {
        Interlocked.Increment(ref opened);
        return CannotRead ? throw new StorageException("pread", "an image", Errno.InputOutput) : inspector.Inspect(source);
    }

    public string? FindPackaging(IHeaderSource source) => null;

    public IWholeCheck? CheckWhole(IHeaderSource source) => null;

    public void Dispose()
    {
        threads.Dispose();
        scratch.Dispose();
    }

    private Task<OpenedDirectory> OpenAsync(CancellationToken cancellationToken) => threads.RunAsync(
        "open",
        (StorageCall<OpenedDirectory> _) => OpenedDirectory.Open(Path) is var opened && LiesOn is { } point ? opened with { Point = point } : opened,
        cancellationToken);
}
