using BenchmarkDotNet.Running;

namespace StorageHost.Benchmarks;

internal static class Entry
{
    private static void Main(string[] args) => BenchmarkSwitcher.FromAssembly(typeof(Entry).Assembly).Run(args);
}
