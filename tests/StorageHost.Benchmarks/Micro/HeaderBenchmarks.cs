using BenchmarkDotNet.Attributes;
using StorageHost.Images.Templates;
using StorageHost.Qemu;

namespace StorageHost.Benchmarks.Micro;

/// <summary>Reading an image's header, which is done once for every file of a directory, and for every template that is copied.</summary>
[InProcess]
[MemoryDiagnoser]
[MinIterationCount(3)]
[MaxIterationCount(10)]
public class HeaderBenchmarks
{
    private readonly ImageInspector inspector = new();
    private readonly Source qcow2 = new(ManyDisks.Header());
    private readonly Source raw = new(new byte[4096]);

    [Benchmark]
    public long Qcow2() => inspector.Inspect(qcow2).VirtualBytes;

    [Benchmark]
    public long Raw() => inspector.Inspect(raw).VirtualBytes;

    /// <summary>A file that is in memory already: what is left is our own work.</summary>
    private sealed class Source(byte[] content) : IHeaderSource
    {
        public long Length => ManyDisks.FileBytes;

        public int Read(long offset, Span<byte> buffer)
        {
            buffer.Clear();
            content.AsSpan((int)Math.Min(offset, content.Length))[..Math.Min(buffer.Length, Math.Max(0, content.Length - (int)offset))].CopyTo(buffer);
            return buffer.Length;
        }
    }
}
