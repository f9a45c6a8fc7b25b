using System.Diagnostics;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Peers;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What copies cost: five for the pool, and the one that a caller waits for.</summary>
internal static class Copies
{
    private const int Wanted = 5;

    public static Part Part { get; } = new("copies", """
        *Five copies*: from `dup` with a level of 5 until the daemon's job says that it ended. *One copy*: a `setimage` with an empty pool, over HTTP, until its answer.
        The peers make one copy each in every round; five runs are five times the median of one. Everybody's copies are durable when the clock stops: the daemon
        fsyncs by itself, and after a peer the benchmark fsyncs the copy; *bare* is without that. Before every run the template's data is read once through
        the mount, so everybody finds it in the same caches. `Pool:Verify=false`, since no peer reads back what it wrote; the part *verify* has the price of it.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var (figures, series) = (new List<Figure>(), new List<Series>());
        foreach (var kind in new[] { StorageKind.Replica3, StorageKind.Distribute })
        {
            await using var site = await bench.SiteAsync(kind, "copies");
            Template[] templates = [await Template.PutDenseAsync(bench, site.Area), await Template.PutSparseAsync(bench, site.Area)];
            await site.StartAsync("--Pool:Verify", "false");
            await using var libvirt = await Libvirt.StartAsync(site.Area);
            Peer[] peers = [.. Peer.Of(site.Area), libvirt.Peer];
            foreach (var (template, atMost) in templates.Zip([0.9, 0.8]))
            {
                await MeasureAsync(bench, site, $"{kind}, {template.What}", template, peers, kind == StorageKind.Replica3 ? atMost : null, figures, series);
            }
        }

        return new Result(Part.Name, figures, series);
    }

    private static async Task MeasureAsync(
        Workbench bench, Site site, string where, Template template, Peer[] peers, double? atMost, List<Figure> figures, List<Series> series)
    {
        var (five, one, allocated) = (new Series($"{where}: five copies"), new Series($"{where}: one copy"), new Series($"{where}: allocated ÷ template", ""));
        var theirs = peers.Select(peer => (Peer: peer, Durable: new Series($"{where}: {peer.Name}"), Bare: new Series($"{where}: {peer.Name}, bare"))).ToList();
        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"copies, {where}, round {round}");
            List<Func<Task>> turns = [() => FiveAsync(site, template, five, allocated), () => OneAsync(site, template, one, round)];
            turns.AddRange(theirs.Select(their => (Func<Task>)(() => TheirsAsync(site, template, their.Peer, their.Durable, their.Bare, round))));
            foreach (var turn in round % 2 == 1 ? turns : Enumerable.Reverse(turns))
            {
                template.Warm(site.Area);
                await turn();
            }
        }

        series.AddRange([five, one, allocated, .. theirs.SelectMany(their => new[] { their.Durable, their.Bare })]);
        var (fastest, best, _) = theirs.MinBy(their => their.Durable.Median);
        figures.Add(Figure.Compare($"five copies, {where}", five.Median, "ms", $"5 × {fastest.Name}", Wanted * best.Median, atMost));
        figures.Add(Figure.Compare($"one copy, {where}", one.Median, "ms", fastest.Name, best.Median, atMost is null ? null : 1));
        figures.Add(Figure.Limit($"allocated by a copy ÷ by its template, {where}", allocated.Tail(100), "", 1.01));
    }

    private static async Task FiveAsync(Site site, Template template, Series time, Series allocated)
    {
        time.Add(await site.FillAsync(template.Image, Wanted));
        var ofTemplate = (double)Durable.Allocated(site.Area.Seen(template.File));
        allocated.Add([.. Directory.EnumerateFiles(site.Area.Seen(), $"{template.Image}_dup_*").Select(copy => Durable.Allocated(copy) / ofTemplate)]);
        await site.Client.FillAsync(template.Image, 0);
    }

    private static Task OneAsync(Site site, Template template, Series time, int round)
    {
        using var connection = new KeepAlive(site.Client.Address);
        var start = Stopwatch.GetTimestamp();
        connection.SetImage(template.Image, $"one{round}", "copy");
        time.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        site.Delete("one*.qcow2");
        return Task.CompletedTask;
    }

    private static async Task TheirsAsync(Site site, Template template, Peer peer, Series durable, Series bare, int round)
    {
        // libvirt remembers the names that it gave, so each is new; the daemon passes over them.
        var times = await peer.CopyAsync(site.Area, template, $".theirs-{template.Image}-{round}");
        durable.Add(times.Durable);
        bare.Add(times.Bare);
        site.Delete(".theirs*");
    }
}
