using System.Globalization;
using StorageHost.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Processes;

/// <summary>Alone, because it watches the memory of the process in which all tests run their programs.</summary>
[CollectionDefinition(nameof(FloodTests), DisableParallelization = true)]
[Collection(nameof(FloodTests))]
public sealed class FloodTests
{
    [Fact]
    public async Task A_flood_neither_blocks_the_child_nor_fills_the_memory()
    {
        const int Limit = 10_000;
        var host = int.Parse((await RunAsync("echo $PPID", Limit)).Output, CultureInfo.InvariantCulture);
        var before = PeakBytes(host);

        var result = await RunAsync("head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2; echo done >&2", Limit);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal((Limit, Limit, true), (result.Output.Length, result.Error.Length, result.Truncated));
        Assert.InRange(PeakBytes(host) - before, 0, 50_000_000);
    }

    /// <summary>The most memory that a process ever held.</summary>
    private static long PeakBytes(int pid) => 1024 * long.Parse(
        File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status")).Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ')[^2],
        CultureInfo.InvariantCulture);

    private static Task<ProcessResult> RunAsync(string script, int limit) =>
        Programs.Runner.RunAsync(new ProcessCommand("sh", ["-c", script]) { OutputBytes = limit }, CancellationToken.None);
}
