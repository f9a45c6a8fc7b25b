using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>A volume of every type in one cluster, and one daemon that serves a folder of the replicated one.</summary>
public sealed class EveryVolume(Lab lab) : IAsyncLifetime
{
    public const string Served = "replica";
    public const string Stopped = "shape-stopped";

    // Its layout, and how many bricks each node gives.
    private static readonly (string Name, string[] Layout, int Rounds)[] Made =
    [
        ("shape-arbiter", ["replica", "2", "arbiter", "1"], 1),
        ("shape-disperse", ["disperse", "3", "redundancy", "1"], 1),
        ("shape-2x3", ["replica", "3"], 2),
        ("shape-2x2and1", ["disperse", "3", "redundancy", "1"], 2),
        (Stopped, ["replica", "3"], 1),
    ];

    /// <summary>The started volumes that this made.</summary>
    internal static IEnumerable<string> Started => Made.Select(volume => volume.Name).Where(name => name != Stopped);

    internal GlusterCluster Cluster { get; private set; } = null!;

    internal StorageArea Area { get; private set; } = null!;

    internal Client Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (Requirements.Missing.Length > 0)
        {
            return;
        }

        Cluster = await lab.ClusterAsync();
        await lab.VolumeAsync(StorageKind.Distribute);
        foreach (var (name, layout, rounds) in Made)
        {
            await Cluster.CreateVolumeAsync(
                name, layout, from round in Enumerable.Range(1, rounds) from node in Cluster.Nodes select $"{node.Name}:{node.BrickOf($"{name}-{round}")}");
        }

        await Cluster.Nodes[0].GlusterAsync("volume", "stop", Stopped);
        Area = await lab.AreaAsync(StorageKind.Replica3, nameof(EveryVolume));
        await Area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        Client = (await Area.StartAsync(StorageView.Quick)).Client;
        await Wait.UntilAsync("the cluster to be known", async () => (await Client.StorageAsync()).GetProperty(StorageView.Gluster).GetArrayLength() > Made.Length, 60);
    }

    public async Task DisposeAsync()
    {
        if (Area is not null)
        {
            await Area.DisposeAsync();
            foreach (var (name, _, _) in Made)
            {
                await Cluster.RemoveVolumeAsync(name);
            }
        }
    }
}
