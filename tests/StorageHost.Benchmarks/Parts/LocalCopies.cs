using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Peers;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What copies cost on XFS, with blocks shared and without.</summary>
internal static class LocalCopies
{
    public static Part Part { get; } = new("reflink", """
        As *copies*, on XFS in a file: `Xfs` shares blocks (reflink=1), `PlainXfs` does not (reflink=0).
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var (figures, series) = (new List<Figure>(), new List<Series>());
        foreach (var kind in new[] { StorageKind.Xfs, StorageKind.PlainXfs })
        {
            var shares = kind == StorageKind.Xfs;
            await using var site = await bench.SiteAsync(kind, "copies");
            var dense = await Template.PutDenseAsync(site.Area, bench.Few(shares ? 1024 : 256, 64));
            await site.StartAsync("--Pool:Verify", "false");
            var race = new CopyRace(bench, site, dense, $"{kind}, {dense.What}");
            await race.RunAsync(Peer.Of(site.Area), alsoOne: true);
            figures.AddRange([shares ? race.FiveWithin(milliseconds: 50) : race.FiveAgainstPeer(null), race.OneAgainstPeer(null), race.Allocated]);
            series.AddRange(race.Measured);

            if (!shares)
            {
                var sparse = await Template.PutSparseAsync(site.Area, bench.Few(30, 8));
                var sparsely = new CopyRace(bench, site, sparse, $"{kind}, {sparse.What}");
                await sparsely.RunAsync(Peer.Of(site.Area), alsoOne: false);
                figures.AddRange([sparsely.FiveAgainstPeer(null), sparsely.Allocated]);
                series.AddRange(sparsely.Measured);
            }
        }

        return new Result(Part.Name, figures, series);
    }
}
