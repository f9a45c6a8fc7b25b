using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>How much memory copying takes, whatever the image's size.</summary>
internal static class Memory
{
    private const double Mega = 1e6;

    public static Part Part { get; } = new("rss", """
        A fresh daemon makes five copies of a sparse raw template on XFS without reflink; then the most memory that it ever held (`VmHWM`), for
        images of several sizes. The same is taken at the end of every other part: its line there is *peak RSS*.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        var sizes = new[] { 1, 10, 50 };
        await using var site = await bench.SiteAsync(StorageKind.PlainXfs, "memory");
        var measured = new List<(Template Template, Series Peak)>();
        foreach (var size in sizes)
        {
            var template = await Template.PutHollowAsync(site.Area, size);
            measured.Add((template, new Series($"peak RSS, five copies: {template.What}", "MB")));
        }

        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"rss, round {round}");
            foreach (var (template, peak) in measured)
            {
                await site.StartAsync("--Pool:Verify", "true");
                await site.TimeFillAsync(template.Image, 5);
                peak.Add(site.Daemon.PeakRss / Mega);
                await site.Client.FillAsync(template.Image, 0);
            }
        }

        var (least, most) = (measured[0].Peak, measured[^1].Peak);
        return new Result(Part.Name, [Figure.Compare(most.Name, most.Median, most.Unit, $"{sizes[0]} GiB", least.Median, atMost: 1.1)], [.. measured.Select(each => each.Peak)]);
    }
}
