using Microsoft.Extensions.Logging.Abstractions;
using StorageHost.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Processes;

/// <summary>Alone, because it watches the memory of the whole process.</summary>
[CollectionDefinition(nameof(FloodTests), DisableParallelization = true)]
[Collection(nameof(FloodTests))]
public sealed class FloodTests
{
    [Fact]
    public async Task A_flood_neither_blocks_the_child_nor_fills_the_memory()
    {
        const int Limit = 10_000;
        var runner = new ProcessRunner(TestMeters.OfProcesses(), TimeProvider.System, NullLogger<ProcessRunner>.Instance);
        string[] arguments = ["-c", "head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2; echo done >&2"];
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var peak = before;

        var run = runner.RunAsync(new ProcessCommand("sh", arguments) { OutputBytes = Limit }, CancellationToken.None);
        while (!run.IsCompleted)
        {
            peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: false));
            await Task.Delay(1);
        }

        var result = await run;
        Assert.Equal(0, result.ExitCode);
        Assert.Equal((Limit, Limit, true), (result.Output.Length, result.Error.Length, result.Truncated));
        Assert.InRange(peak - before, 0, 50_000_000);
    }
}
