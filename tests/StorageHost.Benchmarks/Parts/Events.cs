using System.Diagnostics;
using System.Globalization;
using StorageHost.Benchmarks.Measuring;
using StorageHost.Benchmarks.Storage;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Parts;

/// <summary>What those cost who read <c>/events</c> of very many pools.</summary>
internal static class Events
{
    private const int Readers = 5;
    private const int AtMostPercent = 5;

    public static Part Part { get; } = new("events", """
        The processor time of a daemon with 5,000 templates on XFS, each with its pool, while nothing changes: first without readers of
        `/events`, then with five that have been told everything. Both in percent of one core, for the same time in each round, in turns.
        """, MeasureAsync);

    private static async Task<Result> MeasureAsync(Workbench bench)
    {
        // The small run has as many pools: the bound is for that number.
        var (pools, span) = (5000, TimeSpan.FromSeconds(bench.Few(30, 15)));
        await using var site = await bench.SiteAsync(StorageKind.Xfs, "events");
        Workbench.Say($"making {pools} templates");
        for (var number = 0; number < pools; number++)
        {
            await File.WriteAllBytesAsync(site.Area.Seen(string.Create(CultureInfo.InvariantCulture, $"image{number:0000}_template.img")), new byte[4096]);
        }

        await site.StartAsync();
        await Wait.UntilAsync("every pool to be known", async () =>
            (await site.Client.GetAsync("/pools")).Is(200).GetProperty("pools").GetArrayLength() == pools, seconds: 60, pause: TimeSpan.FromSeconds(1));
        var (without, with) = (new Series($"{pools:N0} pools: no reader", "%"), new Series($"{pools:N0} pools: {Readers} readers of /events", "%"));
        foreach (var round in bench.Rounds)
        {
            Workbench.Say($"events, round {round}");
            foreach (var reads in round % 2 == 1 ? [false, true] : new[] { true, false })
            {
                using var readers = new EventReaders(site.Client.Address, reads ? Readers : 0);
                await readers.AreToldAsync(pools);
                (reads ? with : without).Add(await PercentOfCoreAsync(site.Daemon, span));
            }
        }

        var cost = Math.Max(0, with.Median - without.Median);
        return new Result(
            Part.Name,
            [Figure.Limit($"{pools:N0} pools: {Readers} readers of /events, of one core", cost, "%", AtMostPercent, "in all, beside no reader", without.Median)],
            [without, with]);
    }

    private static async Task<double> PercentOfCoreAsync(Daemon daemon, TimeSpan span)
    {
        var (took, since) = (daemon.ProcessorTime, Stopwatch.GetTimestamp());
        await Task.Delay(span);
        return 100 * (daemon.ProcessorTime - took) / Stopwatch.GetElapsedTime(since);
    }
}
