using System.Globalization;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What a hit costs while copies are being made, and how soon their making ends when it is cancelled.</summary>
internal static class Busy
{
    private const string Image = "bench";

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    public static Part Part { get; } = new("busy", """
        A `setimage` every 100 ms over one connection on replica 3, first with the daemon idle, then while it makes five copies of a dense template
        of another image. The copies must still be in the making when the last hit is answered; how fast they went is measured too. In each round five copies
        are begun once more, and after a tenth of them `DELETE /jobs/{id}` is timed: its answer comes when nothing writes any more and nothing of them is left.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var each = bench.Few(60, 20);
        await using var site = await bench.SiteAsync(StorageKind.Replica3, "busy");
        var dense = await Template.PutDenseAsync(site.Area, bench.Few(1024, 256));
        await site.Area.PutTemplateAsync(Image, await bench.Lab.Masters.SmallAsync());
        await site.StartAsync("--Pool:MaxCopies", "500", "--Pool:Verify", "false");
        var (idle, busy) = (new Series("hit, idle"), new Series("hit, five copies in the making"));
        var rate = new Series("five copies together, among hits", "MB/s");
        var cancelled = new Series("five copies cancelled");
        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"busy, round {round}");
            await site.Client.FillAsync(Image, 4 * each, seconds: 300);
            Ask(site, $"warm{round}", 10);
            await site.FillAndRestAsync(Image, 4 * each);
            using (await OtherNode.HoldsAsync(site.Area, Image))
            {
                dense.Warm(site.Area);
                idle.Add(Ask(site, $"idle{round}", each));
                (await site.Client.DupAsync(dense.Image, 5)).Is(200);
                var job = $"/jobs/{(await site.Client.CopyingAsync(dense.Image, 1)).Text("id")}";
                busy.Add(Ask(site, $"busy{round}", each));
                rate.Add((await site.Client.GetAsync(job)).Is(200).Number("bytes_per_second") / 1e6);
                if ((await site.Client.SendAsync(HttpMethod.Delete, job)).Status != 200)
                {
                    throw new InvalidOperationException("the copies were made before the hits were over: they need a larger template");
                }
            }

            site.Delete("*.qcow2");
            await site.Client.FillAsync(dense.Image, 0);
            cancelled.Add(await CancelAsync(site, dense));
        }

        return new Result(
            Part.Name,
            [
                Figure.Compare("Replica3: hit, p99, five copies in the making", busy.Tail(), busy.Unit, "idle", idle.Tail(), atMost: 2),
                Figure.Compare("Replica3: hit, p50, five copies in the making", busy.Median, busy.Unit, "idle", idle.Median),
                Figure.Limit("Replica3: five copies cancelled", cancelled.Tail(100), cancelled.Unit, 200),
            ],
            [idle, busy, rate, cancelled]);
    }

    private static async Task<double> CancelAsync(Site site, Template dense)
    {
        (await site.Client.DupAsync(dense.Image, 5)).Is(200);
        var total = (await site.Client.CopyingAsync(dense.Image, 1)).Number("bytes_total");
        var job = (await site.Client.CopyingAsync(dense.Image, (long)total / 10)).Text("id");
        var answer = await site.Client.SendAsync(HttpMethod.Delete, $"/jobs/{job}");
        answer.Is(200);
        return answer.Took.TotalMilliseconds;
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
