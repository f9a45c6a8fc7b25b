using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>A volume of a test's own that it may hurt, served by one daemon on the first node.</summary>
internal sealed class SickVolume : IAsyncDisposable
{
    private SickVolume(GlusterCluster cluster, StorageArea area, string name, Daemon daemon) =>
        (Cluster, Area, Name, Daemon) = (cluster, area, name, daemon);

    public GlusterCluster Cluster { get; }

    /// <summary>The root of the volume.</summary>
    public StorageArea Area { get; }

    public string Name { get; }

    public Daemon Daemon { get; }

    public Client Client => Daemon.Client;

    public IReadOnlyList<GlusterNode> Nodes => Cluster.Nodes;

    public static Task<SickVolume> StartAsync(Lab lab, string name, params string[] settings) => StartAsync(lab, name, [GlusterCluster.ForMachines], settings);

    /// <summary>The same without the options that farms of virtual machines set.</summary>
    public static Task<SickVolume> StartPlainAsync(Lab lab, string name) => StartAsync(lab, name, [], []);

    private static async Task<SickVolume> StartAsync(Lab lab, string name, (string Option, string Value)[] options, string[] settings)
    {
        var cluster = await lab.ClusterAsync();
        var volume = await cluster.AddVolumeAsync(name, ["replica", "3"], options);
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

    public Task ReviveAsync() => Cluster.ReviveAsync(Name);

    public Task SetAsync(string option, string value) => Cluster.SetAsync(Name, option, value);

    /// <summary>Writes a file through the mount of the first node, as a guest would.</summary>
    public Task WriteAsync(string file, string text) => File.WriteAllTextAsync(Area.Seen(file), text);

    public async ValueTask DisposeAsync()
    {
        await Daemon.KillAsync();
        await Area.DisposeAsync();
        await Cluster.RemoveVolumeAsync(Name);
    }
}
