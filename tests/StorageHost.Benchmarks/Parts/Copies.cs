using StorageHost.Benchmarks.Measuring;

namespace StorageHost.Benchmarks.Parts;

internal static class Copies
{
    public static Part Part { get; } = new("copies", "", _ => Task.FromResult(new Result("copies", [], [])));
}
