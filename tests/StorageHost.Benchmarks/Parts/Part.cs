using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;

namespace StorageHost.Benchmarks.Parts;

/// <summary>One part of the program, to be chosen by its name.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="About">How it is measured, in words for the documentation.</param>
/// <param name="MeasureAsync">Measures it.</param>
internal sealed record Part(string Name, string About, Func<Workbench, Task<Result>> MeasureAsync)
{
    public static IReadOnlyList<Part> All { get; } = [Hits.Part, SizedHits.Part, Copies.Part, LocalCopies.Part, Verify.Part, Busy.Part, Uploads.Part, Memory.Part, Start.Part, Events.Part];
}
