using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using StorageHost.Api.Dispatch;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Benchmarks.Micro;

/// <summary>From a request's body to a command: the controller sends its whole form, most of it empty.</summary>
[InProcess]
[MemoryDiagnoser]
[MinIterationCount(3)]
[MaxIterationCount(10)]
public class PayloadBenchmarks
{
    private readonly CommandReader reader = new(new FileNames("_template.img"), Options.Create(new PoolOptions()), Options.Create(new DisksOptions()));
    private readonly byte[] small = """{"action":"setimage","createvmform":{"image":"centos","hostname":"web01"}}"""u8.ToArray();
    private readonly byte[] whole = """
        {"action":"setimage","target":"","duplicateinfo":null,"xml":null,"netinfo":{"subnet":"","gateway":""},"storageinfo":{"hostname":"","size":0},
        "createvmform":{"hostname":"web01","mac":"","uuid":"","ip":"","cpucount":0,"memorycount":0,"image":"centos","xml":null,"leasetime":0,"vlan":""}}
        """u8.ToArray();

    [Benchmark]
    public object Small() => reader.Read("POST", small, QueryCollection.Empty);

    [Benchmark]
    public object Whole() => reader.Read("POST", whole, QueryCollection.Empty);
}
