using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>A node whose copy of a volume's configuration differs from that of the others: they and it reject each other.</summary>
[Collection(LabTests.Name)]
public sealed class RejectedPeerTests(Lab lab)
{
    private const string Library = "/var/lib/glusterd";

    [DaemonFact]
    public async Task A_rejected_peer_is_named_and_its_bricks_do_not_count_as_up()
    {
        await using var volume = await SickVolume.StartPlainAsync(lab, "differs1");
        await volume.Area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var hosts = await HostsAsync(volume);
        var peer = volume.Nodes[2];
        await volume.Cluster.CreateVolumeAsync("apart1", [], volume.Nodes.Take(2).Select(node => $"{node.Name}:{node.BrickOf("apart1")}"));
        try
        {
            await volume.Client.VolumeIsWellAsync(StorageView.Gluster, "apart1");
            await DifferAsync(volume, peer);

            await volume.IsAsync(
                "degraded",
                $"brick {volume.Brick(2)} could not be asked",
                $"peer {peer.Name} is rejected, a volume's checksum differs between it and this node: see 'gluster peer status'");
            await volume.Client.VolumeIsWellAsync(StorageView.Gluster, "apart1");
            Assert.Equal(hosts, await HostsAsync(volume));
            (await volume.Client.SetImageAsync("centos", "web01")).Is(200);
        }
        finally
        {
            await AgreeAsync(volume, peer, volume.Nodes[0]);
            await AllAreWellAsync(volume);
            await volume.Cluster.RemoveVolumeAsync("apart1");
        }

        volume.Area.Oracle.Disk("web01", "centos");
        await volume.Area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_node_that_all_others_reject_knows_of_no_quorum()
    {
        await using var volume = await SickVolume.StartPlainAsync(lab, "differs2");
        var (self, others) = (volume.Nodes[0], volume.Nodes.Skip(1).ToArray());
        var hosts = await HostsAsync(volume);
        try
        {
            await DifferAsync(volume, self);

            await volume.IsAsync(
                "broken",
                $"bricks {volume.Brick(1)}, {volume.Brick(2)} could not be asked: too few are known to be up for quorum",
                $"peer {others[0].Name} is rejected",
                $"peer {others[1].Name} is rejected");
            Assert.Equal(hosts, await HostsAsync(volume));
        }
        finally
        {
            await AgreeAsync(volume, self, others[0]);
            await AllAreWellAsync(volume);
        }
    }

    /// <summary>Writes an option into a node's configuration of the volume while its Gluster daemon is stopped, as nobody should.</summary>
    private static Task DifferAsync(SickVolume volume, GlusterNode node) => ChangeAsync(node, () =>
        File.AppendAllTextAsync(Stored(node, volume.Name, "info"), "performance.cache-size=64MB\n"));

    /// <summary>Gives a node the configuration that another one has, as docs/operations.md says.</summary>
    private static async Task AgreeAsync(SickVolume volume, GlusterNode node, GlusterNode with)
    {
        await ChangeAsync(node, async () =>
        {
            foreach (var file in new[] { "info", "cksum" })
            {
                await File.WriteAllBytesAsync(Stored(node, volume.Name, file), await File.ReadAllBytesAsync(Stored(with, volume.Name, file)));
            }
        });
        await Wait.UntilAsync("the nodes to take each other for members", async () =>
            (await node.TryGlusterAsync("peer", "status")).Output.Split("Peer in Cluster (Connected)").Length == volume.Nodes.Count);
    }

    private static async Task ChangeAsync(GlusterNode node, Func<Task> change)
    {
        var daemon = await node.ManagementDaemonAsync();
        Signal.Send(Signal.Terminate, daemon);
        await Wait.UntilAsync("glusterd to end", () => Task.FromResult(!Directory.Exists($"/proc/{daemon}")));
        await change();
        await node.Place.RunAsync("glusterd", "-p", "/run/glusterd.pid");
    }

    private static string Stored(GlusterNode node, string volume, string file) => node.Place.Seen($"{Library}/vols/{volume}/{file}");

    /// <summary>A node that is rejected may stop its bricks of other volumes, for want of quorum among servers.</summary>
    private static async Task AllAreWellAsync(SickVolume volume)
    {
        foreach (var one in (await volume.Client.StorageAsync()).GetProperty(StorageView.Gluster).EnumerateArray().Select(one => one.Text("volume_id")))
        {
            await Wait.UntilAsync($"{one} to be told to start", async () => (await volume.Nodes[0].TryGlusterAsync("volume", "start", one, "force")).ExitCode == 0);
            await volume.Client.VolumeIsWellAsync(StorageView.Gluster, one);
        }
    }

    // In the order of gluster pool list, which a glusterd that was started again may change.
    private static async Task<string[]> HostsAsync(SickVolume volume) =>
        [.. (await volume.Client.StorageAsync()).GetProperty("hosts").EnumerateArray().Select(host => host.GetString()!).Order(StringComparer.Ordinal)];
}
