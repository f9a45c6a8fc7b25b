using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>The price of reading every copy back.</summary>
internal static class Verify
{
    private const int Wanted = 5;

    public static Part Part { get; } = new("verify", """
        Five copies of a dense template on replica 3 as in *copies*, by a daemon with `Pool:Verify=true` (as it comes) and by one with `false`, in turns.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        await using var site = await bench.SiteAsync(StorageKind.Replica3, "verify");
        var template = await Template.PutDenseAsync(site.Area, bench.Few(256, 64));
        var (with, without) = (new Series($"five copies, {template.What}, Verify=true"), new Series($"five copies, {template.What}, Verify=false"));
        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"verify, round {round}");
            foreach (var verify in new[] { round % 2 == 1, round % 2 == 0 })
            {
                await site.StartAsync("--Pool:Verify", verify ? "true" : "false");
                template.Warm(site.Area);
                (verify ? with : without).Add(await site.TimeFillAsync(template.Image, Wanted));
                await site.Client.FillAsync(template.Image, 0);
            }
        }

        return new Result(Part.Name, [Figure.Compare(with.Name, with.Median, with.Unit, "Verify=false", without.Median)], [with, without]);
    }
}
