using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Peers;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What copies cost where every byte has to be written: five for the pool, and the one that a caller waits for.</summary>
internal static class Copies
{
    public static Part Part { get; } = new("copies", """
        *Five copies*: from `dup` with a level of 5 until the time at which the daemon's job says it ended. *One copy*: a `setimage` with an empty pool, over
        HTTP, until its answer. The peers make one copy each in every round; five runs are five times the median of one. Everybody's copies are durable
        when the clock stops: the daemon fsyncs by itself, and after a peer the benchmark fsyncs the copy (*bare* is without that). Before
        every run the template's data is read once through the mount, so everybody finds it in the same caches. `Pool:Verify=false`, since no peer
        reads back what it wrote; the part *verify* has the price of that. A peer that took a quarter longer than the fastest in the first round is not run again.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var (figures, series) = (new List<Figure>(), new List<Series>());
        foreach (var kind in new[] { StorageKind.Replica3, StorageKind.PlainReplica3, StorageKind.Distribute })
        {
            // The figures to reach are those of replica 3 with shards; on the other volumes a quarter tells as much.
            var isFull = kind == StorageKind.Replica3;
            await using var site = await bench.SiteAsync(kind, "copies");
            var dense = await Template.PutDenseAsync(site.Area, bench.Few(isFull ? 1024 : 256, 64));
            var sparse = await Template.PutSparseAsync(site.Area, bench.Few(isFull ? 120 : 30, 8));
            await site.StartAsync("--Pool:Verify", "false");
            await using var libvirt = await Libvirt.StartAsync(site.Area);
            Peer[] peers = [.. Peer.Of(site.Area), libvirt.Peer];

            var densely = new CopyRace(bench, site, dense, $"{kind}, {dense.What}");
            await densely.RunAsync(peers, alsoOne: true);
            var sparsely = new CopyRace(bench, site, sparse, $"{kind}, {sparse.What}");
            await sparsely.RunAsync(peers, alsoOne: false);

            figures.AddRange([densely.FiveAgainstPeer(isFull ? 1 : null), sparsely.FiveAgainstPeer(isFull ? 1 : null), densely.OneAgainstPeer(isFull ? 1 : null)]);
            if (!isFull)
            {
                // With shards, what a file takes is known only roughly.
                figures.AddRange([densely.Allocated, sparsely.Allocated]);
            }

            series.AddRange([.. densely.Measured, .. sparsely.Measured]);
        }

        return new Result(Part.Name, figures, series);
    }
}
