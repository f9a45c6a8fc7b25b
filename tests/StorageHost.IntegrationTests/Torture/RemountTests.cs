using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>One of three nodes has its volume unmounted and mounted again, again and again, while requests go on.</summary>
[Collection(LabTests.Name)]
public sealed class RemountTests(Lab lab, ITestOutputHelper output)
{
    private const string Name = "remount";
    private const int Callers = 4;

    [DaemonFact]
    public async Task Whatever_comes_while_a_volume_is_mounted_anew_nothing_is_lost_doubled_or_taken_for_absent()
    {
        var random = TortureSettings.Begin(output, Name);
        await using var volume = await OwnVolume.MakeAsync(lab, Name, pingTimeout: "42");
        var (area, node) = (volume.Area, volume.Cluster.Nodes[0]);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.SmallAsync("b"));
        var fleet = new Fleet(area, "--Storage:RescanInterval", "00:00:01");
        await fleet.StartAsync();
        var client = fleet[0]!.Client;

        var workload = new Workload(fleet, ["centos", "debian12"], random.Next());
        using var stop = new CancellationTokenSource();
        var calling = workload.RunAsync(Callers, stop.Token);
        for (var turn = 0; turn < TortureSettings.Count(2, 40); turn++)
        {
            await node.UnmountAsync(Name);
            await Wait.UntilAsync("readiness to tell", async () => await client.StatusAsync("/readyz") == 503);
            (await client.GetAsync("/healthz")).Is(200);
            await node.MountAsync(Name);
            await fleet[0]!.ReadyAsync();
        }

        await stop.CancelAsync();
        await calling;
        output.WriteLine($"{workload}");
        workload.Conclude();
        await fleet.SettledAsync();
        await area.Oracle.CheckAsync();
    }
}
