using System.Diagnostics;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Micro;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>How long a daemon takes to serve a full directory.</summary>
internal static class Start
{
    public static Part Part { get; } = new("start", """
        From the start of the published daemon's process until `/readyz` says 200 (asked every 25 ms), in a directory of 10,000 qcow2 disks
        and 20 templates; the directory was read before, by the start of the round before.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var disks = bench.Few(10_000, 1000);
        var (figures, series) = (new List<Figure>(), new List<Series>());
        foreach (var kind in new[] { StorageKind.Xfs, StorageKind.Replica3 })
        {
            await using var site = await bench.SiteAsync(kind, "start");
            Workbench.Say($"making {disks} disks, {kind}");
            ManyDisks.Fill(site.Area.Seen(), disks);
            var ready = new Series($"{kind}: start to ready, {disks:N0} disks");
            await site.StartAsync();
            foreach (var round in bench.Rounds)
            {
                await site.StopAsync();
                var start = Stopwatch.GetTimestamp();
                await site.StartAsync();
                ready.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                Workbench.Say($"start, {kind}, round {round}");
            }

            site.Delete("*.qcow2");
            figures.Add(Figure.Limit(ready.Name, ready.Median, ready.Unit, 1500));
            series.Add(ready);
        }

        return new Result(Part.Name, figures, series);
    }
}
