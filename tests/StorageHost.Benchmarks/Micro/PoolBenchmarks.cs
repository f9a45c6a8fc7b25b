using BenchmarkDotNet.Attributes;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Benchmarks.Micro;

/// <summary>The index in memory: a copy is taken out of one pool among many and put back.</summary>
[InProcess]
[MemoryDiagnoser]
[MinIterationCount(3)]
[MaxIterationCount(10)]
public class PoolBenchmarks : IDisposable
{
    private const int Images = 100;

    private readonly PoolTable pools = new(TimeProvider.System);
    private readonly ImageName[] images = new ImageName[Images];
    private int next;

    [Params(10, 1000)]
    public int Copies { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var names = new FileNames("_template.img");
        for (var image = 0; image < Images; image++)
        {
            names.ParseImage($"image{image}", out images[image]);
            for (var number = 1; number <= Copies; number++)
            {
                pools.Get(images[image]).Put(new Copy(images[image], number, (ulong)number, MadeFrom: null));
            }
        }
    }

    [Benchmark]
    public int TakeAndPut()
    {
        var pool = pools.Get(images[next = (next + 1) % Images]);
        var copy = pool.TakeOrWait(CancellationToken.None).Copy!;
        pool.Put(copy);
        return copy.Number;
    }

    [GlobalCleanup]
    public void Dispose() => pools.Dispose();
}
