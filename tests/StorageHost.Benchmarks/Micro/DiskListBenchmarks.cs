using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StorageHost.Api;
using StorageHost.Api.Disks;
using StorageHost.Files.Catalog;
using StorageHost.Files.Index;
using StorageHost.Files.Session;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.ImageStorages;
using StorageHost.Qemu;

namespace StorageHost.Benchmarks.Micro;

/// <summary>A page of <c>/disks</c> of many, from the index to the bytes of the answer: the last page, and one disk among all.</summary>
[InProcess]
[MemoryDiagnoser]
[MinIterationCount(3)]
[MaxIterationCount(10)]
public class DiskListBenchmarks : IDirectorySource
{
    private readonly FileNames names = new("_template.img");
    private readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web);
    private DirectoryFacts facts = null!;
    private DiskIndex index = null!;

    [Params(100_000)]
    public int Disks { get; set; }

    IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> IDirectorySource.Latest => [("vms", new Facts<DirectoryFacts>(facts, null, null))];

    [GlobalSetup]
    public void Setup()
    {
        ApiJson.Configure(json);
        var options = Options.Create(new StorageOptions { Directory = "/none" });
        var threads = new StorageThreads(options, TimeProvider.System, NullLogger<StorageThreads>.Instance);
        var volume = new VolumeSessions(options, threads, NullLogger<VolumeSessions>.Instance);
        var inspector = new ImageInspector();
        var reader = new ImageReader(names, inspector, new TemplateFile(names, inspector, volume, new ReplacedTemplates(names)));
        index = new DiskIndex(this, volume, names, reader, new KnownVersions());
        facts = new DirectoryFacts("xfs", "", "", "", 1, 1, [], [])
        {
            Disks =
            [
                .. Enumerable.Range(0, Disks).Select(number => new DiskInfo(
                    string.Create(CultureInfo.InvariantCulture, $"vm{number:000000}.qcow2"), string.Create(CultureInfo.InvariantCulture, $"vm{number:000000}"),
                    DiskKind.System, ImageFormat.Qcow2, 20L << 30, 1L << 30, null, new DiskOrigin("centos", new Fingerprint(1, 2, 3), 1_800_000_000_000))),
            ],
        };
    }

    [Benchmark]
    public int LastPage() => Answer(new DiskFilter(null, null, null, new FileName(facts.Disks[^101].File), 100));

    [Benchmark]
    public int OneHost()
    {
        names.ParseHostname(facts.Disks[^1].Hostname, out var hostname);
        return Answer(new DiskFilter(hostname, null, null, null, 100));
    }

    private int Answer(DiskFilter filter) => JsonSerializer.SerializeToUtf8Bytes(DisksAnswer.Of(index.List(filter)), json).Length;
}
