namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A volume of a test's own that it may hurt; in whatever state it leaves it, nobody waits for it afterwards.</summary>
internal sealed class OwnVolume : IAsyncDisposable
{
    private OwnVolume(GlusterCluster cluster, string name, StorageArea area) => (Cluster, Name, Area) = (cluster, name, area);

    public GlusterCluster Cluster { get; }

    public string Name { get; }

    /// <summary>The root of the volume.</summary>
    public StorageArea Area { get; }

    /// <summary>Makes one that gives up a brick which does not answer after so many seconds, and is set up as docs/operations.md says.</summary>
    public static Task<OwnVolume> MakeAsync(Lab lab, string name, string pingTimeout) =>
        MakeAsync(lab, name, ["replica", "3"], [GlusterCluster.ForMachines, ("network.ping-timeout", pingTimeout), ("cluster.favorite-child-policy", "majority")]);

    /// <summary>Makes one of any layout.</summary>
    public static async Task<OwnVolume> MakeAsync(Lab lab, string name, string[] layout, IEnumerable<(string Option, string Value)> options, int bricks = 1)
    {
        var cluster = await lab.ClusterAsync();
        var volume = await cluster.AddVolumeAsync(name, layout, options, bricks);
        return new OwnVolume(cluster, name, StorageArea.Make(volume, volume.MountPoint, name));
    }

    public async ValueTask DisposeAsync()
    {
        // A client may have been left that never answers again.
        await Task.WhenAll(Cluster.Nodes.Select(node => node.EndFuseClientAsync(Name)));
        await Area.DisposeAsync();
        await Cluster.RemoveVolumeAsync(Name);
    }
}
