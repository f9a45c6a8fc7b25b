using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What a disk costs when a copy is ready, beside the system calls that it cannot do without.</summary>
internal static class Hits
{
    private const string Image = "bench";
    private const int Clients = 16;

    public static Part Part { get; } = new("hits", """
        One `setimage` after the other over one HTTP connection that is kept open, then from 16 such connections at once, for a small qcow2 template
        with twice as many ready copies as are asked for in a round. `Replica3` has `group virt`, `PlainReplica3` has not.
        The floor: `link`, `fsync` and `unlink` of the private name in a tight loop on the same mount and at the same depth, of
        files that are durable and open before the clock starts; from one thread, then from 16. The pool's lock is held by the benchmark, as by a
        daemon on another node, so that nothing is refilled meanwhile; for the lines that say *refilling* it is let go before.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var (figures, series) = (new List<Figure>(), new List<Series>());
        foreach (var kind in new[] { StorageKind.Replica3, StorageKind.PlainReplica3, StorageKind.Distribute, StorageKind.Xfs })
        {
            await MeasureAsync(bench, kind, figures, series);
        }

        return new Result(Part.Name, figures, series);
    }

    private static async Task MeasureAsync(Workbench bench, StorageKind kind, List<Figure> figures, List<Series> series)
    {
        var (alone, each) = (bench.Few(80, 20), bench.Few(8, 3));
        var perRound = alone + (Clients * each);
        await using var site = await bench.SiteAsync(kind, "hits");
        await using var floor = await bench.SiteAsync(kind, "floor");
        await site.Area.PutTemplateAsync(Image, await bench.Lab.Masters.SmallAsync());
        await site.StartAsync("--Pool:MaxCopies", "1000", "--Pool:Verify", "false");
        using var raw = new RawLinks(floor.Area.Seen(), perRound, 192 << 10);

        var (ours, oursMany) = (new Series($"{kind}: hit"), new Series($"{kind}: hits, {Clients} clients", "/s"));
        var (rawly, rawMany) = (new Series($"{kind}: link + fsync + unlink"), new Series($"{kind}: link + fsync + unlink, {Clients} threads", "/s"));
        var busy = new Series($"{kind}: hit, pool refilling");
        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"hits, {kind}, round {round}");
            await site.Client.FillAsync(Image, 2 * perRound, seconds: 300);
            Ask(site, $"warm{round}", 1, 10);
            await site.FillAndRestAsync(Image, 2 * perRound);
            using (await OtherNode.HoldsAsync(site.Area, Image))
            {
                AskInTurns(site, raw, round, alone, ours, rawly);
                InTurn(round, () => oursMany.Add(Ask(site, $"many{round}", Clients, each).PerSecond), () => rawMany.Add(raw.Run(alone, Clients, each).PerSecond));
            }

            await Wait.UntilAsync("the pool to be refilled", async () => await site.Client.PoolAsync(Image, "copying") > 0);
            busy.Add(Ask(site, $"busy{round}", 1, bench.Few(30, 10)).Latencies);
            raw.Withdraw();
            site.Delete("*.qcow2");
        }

        series.AddRange([ours, rawly, oursMany, rawMany, busy]);
        figures.Add(kind == StorageKind.Xfs
            ? Figure.Compare("hit, Xfs, p50", ours.Median, "ms", "2 × (link + fsync + unlink) + 0.3 ms", (2 * rawly.Median) + 0.3, atMost: 1)
            : Figure.Compare($"hit, {kind}, p50", ours.Median, "ms", "link + fsync + unlink", rawly.Median, atMost: 1.3));
        figures.Add(Figure.Compare($"hit, {kind}, p99", ours.Tail(), "ms", "p50", ours.Median, atMost: 4));
        figures.Add(Figure.Compare($"hits of {Clients} clients, {kind}", oursMany.Median, "/s", "link + fsync + unlink", rawMany.Median, atLeast: 0.8));
        figures.Add(Figure.Compare($"hit, {kind}, p50, refilling", busy.Median, "ms", "link + fsync + unlink", rawly.Median));
    }

    /// <summary>A few of ours, a few of theirs: what else goes on in the machine is shared by both.</summary>
    private static void AskInTurns(Site site, RawLinks raw, int round, int count, Series ours, Series rawly)
    {
        const int Turns = 5;
        var (each, hits, links) = (count / Turns, new List<double>(), new List<double>());
        using var connection = new KeepAlive(site.Client.Address);
        for (var first = 0; first < count; first += each)
        {
            var from = first;
            InTurn(
                round + (first / each),
                () => hits.AddRange(Enumerable.Range(from, each).Select(number => Burst.Time(() => connection.SetImage(Image, $"one{round}-{number}", "pool")))),
                () => links.AddRange(raw.Run(from, 1, each).Latencies));
        }

        ours.Add([.. hits]);
        rawly.Add([.. links]);
    }

    private static void InTurn(int turn, Action ours, Action theirs)
    {
        Array.ForEach(turn % 2 == 1 ? [ours, theirs] : new[] { theirs, ours }, act => act());
    }

    private static Burst Ask(Site site, string prefix, int clients, int each) =>
        Burst.Run(clients, each, () => new KeepAlive(site.Client.Address), (connection, number) => connection.SetImage(Image, $"{prefix}-{number}", "pool"));
}
