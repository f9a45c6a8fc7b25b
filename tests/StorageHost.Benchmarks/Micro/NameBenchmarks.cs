using BenchmarkDotNet.Attributes;
using StorageHost.Images.Names;

namespace StorageHost.Benchmarks.Micro;

/// <summary>Names into file names and back: the first for every request, the second for every file of a directory.</summary>
[InProcess]
[MemoryDiagnoser]
[MinIterationCount(3)]
[MaxIterationCount(10)]
public class NameBenchmarks
{
    private readonly FileNames names = new("_template.img");

    [Benchmark]
    public string Build()
    {
        names.ParseHostname("web01.example.org", out var hostname);
        return names.SystemDisk(hostname).Text;
    }

    [Benchmark]
    [Arguments("centos_template.img")]
    [Arguments("centos_dup_123456789_ready")]
    [Arguments("web01.example.org.qcow2")]
    [Arguments("web01.example.org_storage_500G_3")]
    [Arguments("lost+found")]
    public object? Classify(string file) => names.Classify(file);
}
