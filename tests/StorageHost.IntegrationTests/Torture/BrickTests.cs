using System.Diagnostics;
using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.ImageStorages;
using Xunit;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>One brick of three goes while the daemon is called, and comes back.</summary>
[Collection(LabTests.Name)]
public sealed class BrickTests(Lab lab)
{
    private const string Name = "brick";

    [DaemonFact]
    public async Task While_any_one_brick_is_away_work_goes_on_and_afterwards_it_has_what_it_missed()
    {
        await using var volume = await SickVolume.StartAsync(lab, Name, "--Storage:OperationTimeout", "00:00:10", "--Storage:RescanInterval", "00:00:00.5");
        var (area, client) = (volume.Area, volume.Client);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.SmallAsync("b"));
        await client.FillAsync("centos", 1);
        for (var turn = 0; turn < volume.Nodes.Count * TortureSettings.Count(1, 20); turn++)
        {
            var (node, number) = (turn % volume.Nodes.Count, turn.ToString(CultureInfo.InvariantCulture));
            await Verbs.DoneAsync(() => client.SetImageAsync("debian12", $"gone{number}"));
            await client.PoolHoldsAsync("centos", 1);
            await volume.Nodes[node].KillBrickAsync(Name);

            await WorkAsync(client, area.Oracle, number);
            await area.Oracle.CheckAsync();

            await volume.ReviveAsync();
            await volume.Cluster.HealedAsync(Name);
            await volume.Nodes[0].ReachesBricksAsync(Name);
            var brick = volume.Nodes[node].BrickOf(Name);
            Assert.True(Content.Same(Path.Combine(brick, $"hit{number}.qcow2"), area.Oracle.MasterOf("centos")), $"brick {number} has another hit");
            Assert.True(Content.Same(Path.Combine(brick, $"miss{number}.qcow2"), area.Oracle.MasterOf("debian12")), $"brick {number} has another miss");
            Assert.False(File.Exists(Path.Combine(brick, $"gone{number}.qcow2")), $"brick {number} still has what was deleted");
        }

        await volume.IsWellAsync();
        await area.Oracle.CheckAsync(place: 1);
    }

    private static async Task WorkAsync(Client client, Oracle oracle, string number)
    {
        var clock = Stopwatch.StartNew();
        await Verbs.DoneAsync(() => client.SetImageAsync("centos", $"hit{number}"));
        oracle.Disk($"hit{number}", "centos");
        await Verbs.DoneAsync(() => client.SetImageAsync("debian12", $"miss{number}"));
        oracle.Disk($"miss{number}", "debian12");
        oracle.DataDisk((await Verbs.DoneAsync(() => client.AddStorageAsync($"hit{number}", 1))).Is(200).GetProperty("disk").GetString()!);
        await Verbs.DoneAsync(() => client.DeleteHostAsync($"gone{number}"));
        Assert.True(clock.Elapsed.TotalSeconds < 20, $"{clock.Elapsed.TotalSeconds:0.0} s without brick {number}");
    }
}
