using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StorageHost.Files.Catalog;
using StorageHost.Files.Index;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Qemu;

namespace StorageHost.Benchmarks.Micro;

/// <summary>The index of a directory of disks: the first look at it, and one when nothing changed. Set TMPDIR to choose the file system.</summary>
[InProcess]
[MemoryDiagnoser]
[MinIterationCount(3)]
[MaxIterationCount(10)]
public class IndexBenchmarks
{
    private readonly FileNames names = new("_template.img");
    private string path = "";
    private ImageReader reader = null!;
    private ImageIndex index = ImageIndex.Empty;

    [Params(10_000, 100_000)]
    public int Disks { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        path = ManyDisks.Create(Disks);
        var options = Options.Create(new StorageOptions { Directory = path });
        var threads = new StorageThreads(options, TimeProvider.System, NullLogger<StorageThreads>.Instance);
        var inspector = new ImageInspector();
        reader = new ImageReader(names, inspector, new TemplateFile(names, inspector, new VolumeSessions(options, threads, NullLogger<VolumeSessions>.Instance), new ReplacedTemplates(names)));
        index = Look(ImageIndex.Empty);
    }

    [Benchmark]
    public int First() => Look(ImageIndex.Empty).Count;

    [Benchmark]
    public int Unchanged() => Look(index).Count;

    [GlobalCleanup]
    public void Cleanup() => Directory.Delete(path, recursive: true);

    private ImageIndex Look(ImageIndex before)
    {
        using var pass = new IndexPass(before, reader, new DirectoryHandle(DirectoryHandle.OpenDirectory(path)), path);
        return pass.Advance(() => false) ? pass.Finish() : throw new InvalidOperationException("the pass did not end");
    }
}
