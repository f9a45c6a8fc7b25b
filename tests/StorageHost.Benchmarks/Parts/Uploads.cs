using System.Diagnostics;
using System.Globalization;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What it costs to send a template, what hits cost meanwhile, and what a large image with little data takes.</summary>
internal static class Uploads
{
    private const string Image = "bench";
    private const double Mega = 1e6;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    public static Part Part { get; } = new("uploads", """
        `curl -T` of a dense raw image to `PUT /templates/{image}`, beside `cp` of the same file onto the same volume with `sync` of the copy, since the daemon's
        answer says that the template is durable; who goes first changes from round to round. On replica 3 a `setimage` every 100 ms, first with the daemon idle,
        then while one image after the other is sent. Then a raw image of 50 GiB with 1 GiB of data is sent: the most memory that the daemon ever held, and what the
        template takes on the volume.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var mib = bench.Few(1024, 256);
        var dense = Path.Combine(Lab.Directory, "masters", $"sent-{mib}.raw");
        Directory.CreateDirectory(Path.GetDirectoryName(dense)!);
        await Shell.RunAsync("sh", "-c", string.Create(CultureInfo.InvariantCulture, $"head -c {mib}M /dev/urandom > {dense}"));
        var (figures, series) = (new List<Figure>(), new List<Series>());
        foreach (var kind in new[] { StorageKind.Replica3, StorageKind.PlainXfs })
        {
            await using var site = await bench.SiteAsync(kind, $"uploads-{kind}");
            await site.StartAsync();
            var (sent, copied) = (new Series($"{kind}: {mib} MiB, sent"), new Series($"{kind}: {mib} MiB, cp and sync"));
            foreach (var round in bench.Rounds)
            {
                Workbench.Say($"uploads, {kind}, round {round}");
                var steps = new List<Func<Task>> { async () => sent.Add(await SendAsync(site, dense, "sent")), async () => copied.Add(await CopyAsync(site, dense)) };
                foreach (var step in round % 2 == 0 ? steps : steps.AsEnumerable().Reverse())
                {
                    await step();
                    await Shell.RunAsync("sync");
                }

                (await site.Client.DeleteImageAsync("sent")).Is(200);
                site.Delete("copied.raw");
            }

            figures.Add(Figure.Compare(sent.Name, sent.Median, sent.Unit, "cp and sync", copied.Median, atMost: 1.2));
            series.AddRange([sent, copied]);
        }

        var (idle, busy) = await AmongHitsAsync(bench, dense);
        var (peak, allocated, data) = await SendHollowAsync(bench);
        return new Result(
            Part.Name,
            [
                .. figures,
                Figure.Compare("Replica3: hit, p99, an upload under way", busy.Tail(), busy.Unit, "idle", idle.Tail(), atMost: 2),
                Figure.Limit("peak RSS, raw, 50 GiB, 1 GiB of data, sent", peak, "MB", 160),
                Figure.Compare("what that takes on the volume", allocated, "MB", "its data", data, atMost: 1.01),
            ],
            [.. series, idle, busy]);
    }

    private static async Task<(Series Idle, Series Busy)> AmongHitsAsync(Workbench bench, string file)
    {
        var each = bench.Few(60, 20);
        await using var site = await bench.SiteAsync(StorageKind.Replica3, "uploads-hits");
        await site.Area.PutTemplateAsync(Image, await bench.Lab.Masters.SmallAsync());
        await site.StartAsync("--Pool:MaxCopies", "500");
        var (idle, busy) = (new Series("hit, idle"), new Series("hit, an upload under way"));
        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"uploads among hits, round {round}");
            await site.FillAndRestAsync(Image, 4 * each);
            using (await OtherNode.HoldsAsync(site.Area, Image))
            {
                Ask(site, $"warm{round}", 10);
                idle.Add(Ask(site, $"idle{round}", each));
                using var stop = new CancellationTokenSource();
                var sending = SendOnAsync(site, file, stop.Token);
                await Task.Delay(TimeSpan.FromSeconds(1));
                busy.Add(Ask(site, $"busy{round}", each));
                await stop.CancelAsync();
                await sending;
            }

            site.Delete("*.qcow2");
        }

        return (idle, busy);
    }

    private static async Task<(double Peak, double Allocated, double Data)> SendHollowAsync(Workbench bench)
    {
        const int Gib = 50;
        var mib = bench.Few(1024, 256);
        var hollow = Path.Combine(Lab.Directory, "masters", "hollow-sent.raw");
        await using (var file = File.Create(hollow))
        {
            var random = new Random(4);
            var piece = new byte[1 << 20];
            for (var number = 0L; number < mib; number++)
            {
                random.NextBytes(piece);
                file.Position = number * (((long)Gib << 30) / mib);
                await file.WriteAsync(piece);
            }

            file.SetLength((long)Gib << 30);
        }

        await using var site = await bench.SiteAsync(StorageKind.PlainXfs, "uploads-hollow");
        await site.StartAsync();
        Workbench.Say("uploads, 50 GiB");
        await SendAsync(site, hollow, "hollow");
        var blocks = await Shell.RunAsync("stat", "-c", "%b", site.Area.Seen("hollow_template.img"));
        File.Delete(hollow);
        return (site.Daemon.PeakRss / Mega, 512 * double.Parse(blocks, CultureInfo.InvariantCulture) / Mega, mib * (double)(1 << 20) / Mega);
    }

    private static async Task SendOnAsync(Site site, string file, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            await SendAsync(site, file, "among");
            (await site.Client.DeleteImageAsync("among")).Is(200);
        }
    }

    private static async Task<double> SendAsync(Site site, string file, string image)
    {
        var clock = Stopwatch.StartNew();
        var said = await Shell.RunAsync(TimeSpan.FromMinutes(30), "curl", "-s", "-T", file, $"{site.Client.Address}templates/{image}");
        var took = clock.Elapsed.TotalMilliseconds;
        return said.Contains("\"sha256\"", StringComparison.Ordinal) ? took : throw new InvalidOperationException(said);
    }

    private static async Task<double> CopyAsync(Site site, string file)
    {
        var copy = $"{site.Area.Directory}/copied.raw";
        var clock = Stopwatch.StartNew();
        await Shell.RunAsync(TimeSpan.FromMinutes(30), [.. site.Area.Places[0].Command("sh", "-c", $"cp {file} {copy} && sync {copy}")]);
        return clock.Elapsed.TotalMilliseconds;
    }

    private static double[] Ask(Site site, string prefix, int count)
    {
        using var connection = new KeepAlive(site.Client.Address);
        return
        [
            .. Enumerable.Range(0, count).Select(number =>
            {
                Thread.Sleep(Pace);
                return Burst.Time(() => connection.SetImage(Image, string.Create(CultureInfo.InvariantCulture, $"{prefix}-{number}"), "pool"));
            }),
        ];
    }
}
