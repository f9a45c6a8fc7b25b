using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>A volume of a test's own that it may hurt, served by one daemon on the first node.</summary>
internal sealed class SickVolume : IAsyncDisposable
{
    private readonly StorageArea area;

    private SickVolume(GlusterCluster cluster, StorageArea area, string name, Daemon daemon) =>
        (Cluster, this.area, Name, Daemon) = (cluster, area, name, daemon);

    public GlusterCluster Cluster { get; }

    public string Name { get; }

    public Daemon Daemon { get; }

    public Client Client => Daemon.Client;

    public IReadOnlyList<GlusterNode> Nodes => Cluster.Nodes;

    public static async Task<SickVolume> StartAsync(Lab lab, string name, params string[] settings)
    {
        var cluster = await lab.ClusterAsync();
        var volume = await cluster.AddVolumeAsync(name, "replica", "3");
        var root = StorageArea.Make(volume, volume.MountPoint, name);
        var daemon = await root.StartAsync([.. StorageView.Quick, .. settings]);
        var sick = new SickVolume(cluster, root, name, daemon);
        await daemon.Client.VolumeIsWellAsync(StorageView.Gluster, name);
        return sick;
    }

    /// <summary>How the brick of a node reads in an answer.</summary>
    public string Brick(int node) => $"{Nodes[node].Name}:{Nodes[node].BrickOf(Name)}";

    public Task IsAsync(string status, params string[] words) => Client.VolumeIsAsync(StorageView.Gluster, Name, status, words);

    public Task IsWellAsync() => Client.VolumeIsWellAsync(StorageView.Gluster, Name);

    /// <summary>Starts the bricks that are down; one whose end glusterd has not noticed yet is only started when it is told again.</summary>
    public Task ReviveAsync() => Wait.UntilAsync($"every brick of {Name} to be served", async () =>
    {
        await Nodes[0].TryGlusterAsync("volume", "start", Name, "force");
        var servers = await Task.WhenAll(Nodes.Select(node => node.BrickServerAsync(node.BrickOf(Name))));
        return servers.All(server => server is not null);
    });

    public Task SetAsync(string option, string value) => Wait.UntilAsync(
        $"{option} to be set", async () => (await Nodes[0].TryGlusterAsync("volume", "set", Name, option, value)).ExitCode == 0);

    /// <summary>Writes a file through the mount of the first node, as a guest would.</summary>
    public Task WriteAsync(string file, string text) => File.WriteAllTextAsync(area.Seen(file), text);

    public async ValueTask DisposeAsync()
    {
        await Daemon.KillAsync();
        await area.DisposeAsync();
        await Cluster.RemoveVolumeAsync(Name);
    }
}
