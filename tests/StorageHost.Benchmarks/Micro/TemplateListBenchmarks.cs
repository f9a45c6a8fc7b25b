using BenchmarkDotNet.Attributes;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;

namespace StorageHost.Benchmarks.Micro;

/// <summary>The list of the templates among many disks: read again, and answered from the last reading.</summary>
[InProcess]
[MemoryDiagnoser]
[MinIterationCount(3)]
[MaxIterationCount(10)]
public class TemplateListBenchmarks : IDisposable
{
    private readonly TemplateList list = new(new FileNames("_template.img"), new StorageOptions { RescanInterval = TimeSpan.FromHours(1) }, TimeProvider.System);
    private string path = "";
    private DirectoryHandle mount = null!;

    [Params(100_000)]
    public int Disks { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        path = ManyDisks.Create(Disks);
        mount = new DirectoryHandle(DirectoryHandle.OpenDirectory(path));
        Directory.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        list.Read(mount);
    }

    [Benchmark]
    public int Changed() => list.ReadAll(mount).Count;

    [Benchmark]
    public int Unchanged() => list.Read(mount).Count;

    [GlobalCleanup]
    public void Dispose()
    {
        mount.Dispose();
        Directory.Delete(path, recursive: true);
    }
}
