using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What it costs to make a disk larger on the way.</summary>
internal static class SizedHits
{
    private const string Image = "bench";

    /// <summary>The L1 table of the template has room for so many GiB, and not for more.</summary>
    private const int InPlace = 1;
    private const int Moved = 40;

    public static Part Part { get; } = new("sizes", """
        `setimage` over one HTTP connection that is kept open, in turns without a size, with one for which the L1 table of the template has room, and
        with one for which it has to move. The template has clusters of 4 KiB; with the usual ones of 64 KiB a table has room for 4 TiB.
        `Replica3` has `group virt`.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var (figures, series) = (new List<Figure>(), new List<Series>());
        foreach (var kind in new[] { StorageKind.Replica3, StorageKind.Xfs })
        {
            var (plain, larger, moved) = (new Series($"{kind}: hit"), new Series($"{kind}: hit with a size"), new Series($"{kind}: hit whose L1 table moves"));
            await using var site = await bench.SiteAsync(kind, "sizes");
            await site.Area.PutTemplateAsync(Image, await bench.Lab.Masters.SmallAsync());
            await site.StartAsync("--Pool:MaxCopies", "1000", "--Pool:Verify", "false");
            var each = bench.Few(50, 30);
            foreach (var round in bench.Rounds)
            {
                Workbench.Say($"sizes, {kind}, round {round}");
                await site.FillAndRestAsync(Image, (6 * each) + 20);
                using (await OtherNode.HoldsAsync(site.Area, Image))
                {
                    Ask(site, round, each, plain, larger, moved);
                }

                site.Delete("*.qcow2");
            }

            series.AddRange([plain, larger, moved]);
            figures.Add(Figure.Compare($"hit with a size, {kind}, p50", larger.Median, "ms", "hit", plain.Median, atMost: 1.5));
            figures.Add(Figure.Compare($"hit whose L1 table moves, {kind}, p50", moved.Median, "ms", "hit", plain.Median));
        }

        return new Result(Part.Name, figures, series);
    }

    private static void Ask(Site site, int round, int each, params Series[] into)
    {
        int[] sizes = [0, InPlace, Moved];
        var taken = sizes.Select(_ => new List<double>()).ToArray();
        using var connection = new KeepAlive(site.Client.Address);
        for (var number = -3; number < each; number++)
        {
            foreach (var kind in Enumerable.Range(0, sizes.Length).OrderBy(kind => (kind + number + round) % sizes.Length))
            {
                var time = Burst.Time(() => connection.SetImage(Image, $"of{round}-{number + 3}-{kind}", "pool", sizes[kind]));
                if (number >= 0)
                {
                    taken[kind].Add(time);
                }
            }
        }

        foreach (var kind in Enumerable.Range(0, sizes.Length))
        {
            into[kind].Add([.. taken[kind]]);
        }
    }
}
