using System.Diagnostics;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>Bricks that go and come back, and what that leaves to heal.</summary>
[Collection(LabTests.Name)]
public sealed class BrickFaultTests(Lab lab)
{
    [DaemonFact]
    public async Task A_killed_brick_is_named_within_one_poll_and_its_return_noticed_and_events_tell_both()
    {
        await using var volume = await SickVolume.StartAsync(lab, "hurt1");
        await using var events = new EventReader(volume.Client);
        await Wait.UntilAsync("the state of now to be told", () => Task.FromResult(events.OfVolume("hurt1") is [("ok", "")]));

        await volume.Nodes[1].KillBrickAsync("hurt1");
        var clock = Stopwatch.StartNew();
        await volume.IsAsync("degraded", $"brick {volume.Brick(1)} is down");

        // A poll begins at most 4.4 s after the last one ended, and either may wait for the dead brick.
        Assert.True(clock.Elapsed.TotalSeconds < 20, $"{clock.Elapsed.TotalSeconds:0.0} s are more than one poll");
        await volume.ReviveAsync();
        await volume.IsWellAsync();

        await Wait.UntilAsync("the events to tell", () => Task.FromResult(events.OfVolume("hurt1")[^1] is ("ok", "")), 5);
        Assert.Contains(("degraded", $"brick {volume.Brick(1)} is down"), events.OfVolume("hurt1"));
    }

    [DaemonFact]
    public async Task Without_two_of_three_bricks_the_volume_is_broken()
    {
        await using var volume = await SickVolume.StartAsync(lab, "hurt2");
        await volume.Nodes[1].KillBrickAsync("hurt2");
        await volume.Nodes[2].KillBrickAsync("hurt2");

        await volume.IsAsync("broken", $"bricks {volume.Brick(1)}, {volume.Brick(2)} are down: quorum is lost");

        await volume.ReviveAsync();
        await volume.IsWellAsync();
    }

    [DaemonFact]
    public async Task What_waits_to_be_healed_degrades_until_it_is_healed()
    {
        await using var volume = await SickVolume.StartAsync(lab, "hurt3");
        await volume.SetAsync("cluster.self-heal-daemon", "off");
        await volume.Nodes[2].KillBrickAsync("hurt3");
        await volume.IsAsync("degraded", volume.Brick(2));
        await volume.WriteAsync("web01.qcow2", "what the third brick lacks");
        await volume.ReviveAsync();

        await Wait.UntilAsync("the message to tell of nothing else than the heal", async () =>
        {
            var degraded = await volume.Client.VolumeIsAsync(StorageView.Gluster, "hurt3", "degraded", ["entries wait to be healed"]);
            return !degraded.Text("status_msg").Contains("down", StringComparison.Ordinal);
        });

        await volume.SetAsync("cluster.self-heal-daemon", "on");
        await Wait.UntilAsync("the heal to be launched", async () => (await volume.Nodes[0].TryGlusterAsync("volume", "heal", "hurt3")).ExitCode == 0);
        await volume.IsWellAsync();
    }

    [DaemonFact]
    public async Task A_file_in_split_brain_breaks_the_volume()
    {
        // With shards a write needs the attributes of the file's first part from the brick that is away.
        await using var volume = await SickVolume.StartPlainAsync(lab, "hurt4");
        foreach (var option in new[] { "cluster.self-heal-daemon", "cluster.data-self-heal", "cluster.metadata-self-heal", "cluster.entry-self-heal" })
        {
            await volume.SetAsync(option, "off");
        }

        await volume.SetAsync("cluster.quorum-type", "none");
        await volume.WriteAsync("web01.qcow2", "the same everywhere");

        // Two bricks miss one change, then the third one misses another: nobody can say which is right.
        await volume.Nodes[1].KillBrickAsync("hurt4");
        await volume.Nodes[2].KillBrickAsync("hurt4");
        await volume.IsAsync("degraded", volume.Brick(1), volume.Brick(2));
        await volume.WriteAsync("web01.qcow2", "known to the first brick alone");
        await volume.ReviveAsync();
        await volume.Nodes[0].ReachesBricksAsync("hurt4");
        await volume.Nodes[0].KillBrickAsync("hurt4");
        await Wait.UntilAsync("the others to be written to", async () => await WrittenAsync(volume, "known to the other two"));
        await volume.ReviveAsync();

        // A folder in which the daemon tried whether it can write may be another one.
        await volume.IsAsync("broken", "entries are in split-brain");
    }

    private static async Task<bool> WrittenAsync(SickVolume volume, string text)
    {
        try
        {
            await volume.WriteAsync("web01.qcow2", text);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
