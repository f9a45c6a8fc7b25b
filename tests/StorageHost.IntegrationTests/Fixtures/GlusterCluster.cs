namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A trusted pool of three nodes on this machine, each with a network, a mount table and a name of its own.</summary>
internal sealed class GlusterCluster
{
    private const int Size = 3;
    private const string Bridge = "sthit0";
    private const string Subnet = "10.199.8";

    private readonly string directory;

    private GlusterCluster(string directory) => this.directory = directory;

    public IReadOnlyList<GlusterNode> Nodes { get; private set; } = [];

    public static async Task<GlusterCluster> StartAsync(string directory)
    {
        Directory.CreateDirectory(directory);
        var numbers = Enumerable.Range(1, Size).ToArray();
        var hosts = Path.Combine(directory, "hosts");
        await File.WriteAllLinesAsync(hosts, ["127.0.0.1 localhost", .. numbers.Select(number => $"{Subnet}.{number} sthit{number}")]);
        await Shell.RunAsync("ip", "link", "add", Bridge, "type", "bridge");
        await Shell.RunAsync("ip", "addr", "add", $"{Subnet}.254/24", "dev", Bridge);
        await Shell.RunAsync("ip", "link", "set", Bridge, "up");

        var nodes = new List<GlusterNode>();
        foreach (var number in numbers)
        {
            var brick = await LoopDevice.MountXfsAsync(directory, $"brick{number}", "16G");
            nodes.Add(await GlusterNode.StartAsync(directory, number, $"{Subnet}.{number}", Bridge, hosts, brick));
        }

        var cluster = new GlusterCluster(directory) { Nodes = nodes };
        await cluster.MeetAsync();
        return cluster;
    }

    /// <summary>Makes a volume of one brick on each node, starts it and mounts it on every node.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="layout">What <c>gluster volume create</c> takes for its kind; nothing for distribute.</param>
    public async Task<Volume> AddVolumeAsync(string name, params string[] layout)
    {
        await CreateVolumeAsync(name, layout, [.. Nodes.Select(node => $"{node.Name}:{node.BrickOf(name)}")]);
        foreach (var node in Nodes)
        {
            await node.MountAsync(name);
        }

        return new Volume(GlusterNode.MountPoint(name), [.. Nodes.Select(node => node.Place)]);
    }

    /// <summary>Makes a volume of these bricks and starts it.</summary>
    public async Task CreateVolumeAsync(string name, IEnumerable<string> layout, IEnumerable<string> bricks)
    {
        await Nodes[0].GlusterAsync(["volume", "create", name, .. layout, .. bricks]);
        await Nodes[0].GlusterAsync("volume", "start", name);
    }

    /// <summary>Takes a volume down, whatever state a test has left it in; its bricks' files go with the lab.</summary>
    public async Task RemoveVolumeAsync(string name)
    {
        foreach (var node in Nodes)
        {
            await Shell.TryAsync(node.Place.Command("umount", "-l", GlusterNode.MountPoint(name)));
        }

        // A volume that is stopped already cannot be stopped; while a daemon asks for its state, it can be neither stopped nor deleted.
        await Wait.UntilAsync($"{name} to be stopped", async () =>
            (await Nodes[0].TryGlusterAsync("volume", "stop", name, "force")) is var said && (said.ExitCode == 0 || said.Error.Contains("not in the started state", StringComparison.Ordinal)));
        await Wait.UntilAsync($"{name} to be deleted", async () => (await Nodes[0].TryGlusterAsync("volume", "delete", name)).ExitCode == 0);
    }

    private async Task MeetAsync()
    {
        foreach (var node in Nodes)
        {
            await Wait.UntilAsync($"glusterd of {node.Name} to answer; logs in {directory}", async () => (await node.TryGlusterAsync("pool", "list")).ExitCode == 0);
        }

        foreach (var node in Nodes.Skip(1))
        {
            await Nodes[0].GlusterAsync("peer", "probe", node.Name);
        }

        foreach (var node in Nodes)
        {
            await Wait.UntilAsync($"{node.Name} to see every peer", async () => (await node.GlusterAsync("pool", "list")).Split("Connected").Length - 1 == Size);
        }
    }
}
