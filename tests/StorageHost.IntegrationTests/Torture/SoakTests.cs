using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>
/// Three daemons on three nodes, called by many at once, while every nemesis strikes them in turn; the history of all requests is checked
/// against the model, and the storage against the oracle. The long part has more rounds, and nemeses that last.
/// </summary>
[Collection(LabTests.Name)]
public sealed class SoakTests(Lab lab, ITestOutputHelper output)
{
    private const int Callers = 6;

    // In seconds.
    private static readonly int Longest = TortureSettings.IsLong ? 60 : 3;

    // The volume gives up a brick that does not answer after five seconds, and a daemon one call after three.
    private static readonly string[] Settings =
        ["--Storage:RequireMount", "fuse.glusterfs", "--Storage:RescanInterval", "00:00:02", "--Storage:OperationTimeout", "00:00:03", "--Storage:TransferTimeout", "00:00:06"];

    [DaemonFact]
    public async Task Whatever_befalls_them_nothing_is_lost_doubled_or_half_there()
    {
        var random = TortureSettings.Begin(output, nameof(SoakTests));
        await using var volume = await OwnVolume.MakeAsync(lab, "soak", pingTimeout: "5");
        var (area, cluster) = (volume.Area, volume.Cluster);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await (TortureSettings.IsLong ? lab.Masters.LargeAsync() : lab.Masters.SmallAsync("b")));
        var fleet = new Fleet(area, Settings);
        var workload = new Workload(fleet, ["centos", "debian12"], random.Next());
        for (var round = 0; round < TortureSettings.Count(1, 20); round++)
        {
            await fleet.StartAsync();
            await SufferAsync(workload, new Ground(cluster, volume.Name, fleet, random), round);
            await cluster.HealedAsync(volume.Name);
            await fleet.StartAsync(seconds: 60);
            workload.Conclude();
            await fleet.SettledAsync();
            for (var place = 0; place < fleet.Size; place++)
            {
                await area.Oracle.CheckAsync(place, seconds: 20);
            }
        }
    }

    /// <summary>Lets every nemesis strike one node, the next one in each round, while the daemons are called.</summary>
    private async Task SufferAsync(Workload workload, Ground ground, int round)
    {
        using var stop = new CancellationTokenSource();
        var calling = workload.RunAsync(Callers, stop.Token);
        Nemesis[] nemeses = [.. Nemesis.All];
        ground.Random.Shuffle(nemeses);
        foreach (var nemesis in nemeses)
        {
            var lasts = TimeSpan.FromSeconds(1 + (ground.Random.NextDouble() * Longest));
            await nemesis.StrikeAsync(ground, round % ground.Fleet.Size, () => Task.Delay(lasts));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round}: {nemesis.Name} for {lasts.TotalSeconds:0.0} s; {workload}"));
        }

        await stop.CancelAsync();
        await calling;
    }
}
