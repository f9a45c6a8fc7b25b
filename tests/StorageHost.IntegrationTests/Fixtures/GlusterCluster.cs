using System.Diagnostics;
using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A trusted pool of three nodes on this machine, each with a network, a mount table and a name of its own.</summary>
internal sealed class GlusterCluster
{
    private const int Size = 3;
    private static readonly string Bridge = $"{Lab.Prefix}0";
    private static readonly string Subnet = string.Create(CultureInfo.InvariantCulture, $"10.199.{8 + Lab.Number}");

    private static readonly TimeSpan HealersPatience = TimeSpan.FromSeconds(15);

    private readonly string directory;
    private readonly List<string> mounted = [];

    private GlusterCluster(string directory) => this.directory = directory;

    public IReadOnlyList<GlusterNode> Nodes { get; private set; } = [];

    /// <summary>What every farm of virtual machines sets on its volumes: a file of Gluster's package says which options that means.</summary>
    public static (string Option, string Value) ForMachines => ("group", "virt");

    public static async Task<GlusterCluster> StartAsync(string directory)
    {
        Directory.CreateDirectory(directory);
        var numbers = Enumerable.Range(1, Size).ToArray();
        var hosts = Path.Combine(directory, "hosts");
        await File.WriteAllLinesAsync(hosts, ["127.0.0.1 localhost", .. numbers.Select(number => $"{Subnet}.{number} {Lab.Prefix}{number}")]);
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
    public Task<Volume> AddVolumeAsync(string name, params string[] layout) => AddVolumeAsync(name, layout, []);

    /// <summary>The same with options that are set before it is mounted: a client that is connected keeps some of them until it connects again.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="layout">What <c>gluster volume create</c> takes for its kind.</param>
    /// <param name="options">The options, in this order.</param>
    /// <param name="bricks">How many bricks each node gives.</param>
    public async Task<Volume> AddVolumeAsync(string name, string[] layout, IEnumerable<(string Option, string Value)> options, int bricks = 1)
    {
        await CreateVolumeAsync(
            name, layout, from number in Enumerable.Range(1, bricks) from node in Nodes select $"{node.Name}:{node.BrickOf(name)}{(number == 1 ? "" : $"-{number}")}");
        foreach (var (option, value) in options)
        {
            await ((option, value) == ForMachines && layout.Contains("disperse", StringComparer.Ordinal) ? SetWhatFitsAsync(name) : SetAsync(name, option, value));
        }

        foreach (var node in Nodes)
        {
            await node.MountAsync(name);
            await node.ReachesBricksAsync(name, bricks * Size); // what is written before that has to be healed
        }

        mounted.Add(name);
        return new Volume(GlusterNode.MountPoint(name), [.. Nodes.Select(node => node.Place)]);
    }

    /// <summary>Makes a volume of these bricks and starts it; again when a brick did not start, of which glusterd's own log alone says why.</summary>
    public async Task CreateVolumeAsync(string name, IEnumerable<string> layout, IEnumerable<string> bricks)
    {
        await Nodes[0].GlusterAsync(["volume", "create", name, .. layout, .. bricks]);
        await Wait.UntilAsync($"{name} to be started", async () =>
            (await Nodes[0].TryGlusterAsync("volume", "start", name)) is var said && (said.ExitCode == 0 || said.Error.Contains("already started", StringComparison.Ordinal)));
    }

    /// <summary>Takes a volume down, whatever state a test has left it in; its bricks' files go with the lab.</summary>
    public async Task RemoveVolumeAsync(string name)
    {
        mounted.Remove(name);
        foreach (var node in Nodes)
        {
            await Shell.TryAsync(node.Place.Command("umount", "-l", GlusterNode.MountPoint(name)));
        }

        // A volume that is stopped already cannot be stopped; while a daemon asks for its state, it can be neither stopped nor deleted.
        await Wait.UntilAsync($"{name} to be stopped", async () =>
            (await Nodes[0].TryGlusterAsync("volume", "stop", name, "force")) is var said && (said.ExitCode == 0 || said.Error.Contains("not in the started state", StringComparison.Ordinal)));
        await Wait.UntilAsync($"{name} to be deleted", async () => (await Nodes[0].TryGlusterAsync("volume", "delete", name)).ExitCode == 0);
    }

    /// <summary>Starts the bricks that are down; one whose end glusterd has not noticed yet is only started when it is told again.</summary>
    public Task ReviveAsync(string volume) => Wait.UntilAsync($"every brick of {volume} to be served", async () =>
    {
        await Nodes[0].TryGlusterAsync("volume", "start", volume, "force");
        var servers = await Task.WhenAll(Nodes.Select(node => node.BrickServerAsync(node.BrickOf(volume))));
        return servers.All(server => server is not null);
    }, seconds: 180);

    /// <summary>
    /// Starts the brick of the first node again whose mount hangs, if one does: a brick of Gluster 10.3 may keep a deletion for ever that was under
    /// way when its node was cut off. An operator does the same (docs/operations.md).
    /// </summary>
    public async Task<bool> HadToReviveAsync(string volume)
    {
        foreach (var node in Nodes)
        {
            if (await node.HangsAsync(volume))
            {
                await node.KillBrickAsync(volume);
                await ReviveAsync(volume);
                return true;
            }
        }

        return false;
    }

    public Task SetAsync(string volume, string option, string value) => Wait.UntilAsync(
        $"{option} of {volume} to be set", async () => (await Nodes[0].TryGlusterAsync("volume", "set", volume, option, value)).ExitCode == 0);

    // Gluster refuses the whole group for a volume that only lacks what heals replicas.
    private Task<string> SetWhatFitsAsync(string volume) => Nodes[0].GlusterAsync(
    [
        "volume", "set", volume,
        .. File.ReadLines(GlusterNode.GroupForMachines).Where(line => line.Contains('=', StringComparison.Ordinal) && !line.StartsWith("cluster.shd-", StringComparison.Ordinal)).SelectMany(line => line.Split('=')),
    ]);

    /// <summary>
    /// Waits until every brick of a volume holds what the others hold, and nothing else: what a brick has too much becomes a second name in
    /// a directory of Gluster's own, which shows in the file's count of names until the next heal that finds nothing to do.
    /// </summary>
    public async Task HealedAsync(string volume, int seconds = 180)
    {
        var (said, tooMany) = ("", Array.Empty<string>());
        var clock = Stopwatch.StartNew();
        try
        {
            await Wait.UntilAsync($"{volume} to be healed", async () =>
            {
                await Nodes[0].TryGlusterAsync("volume", "heal", volume);
                said = (await Nodes[0].TryGlusterAsync("volume", "heal", volume, "info")).Output;
                if (clock.Elapsed > HealersPatience)
                {
                    if (!await HadToReviveAsync(volume))
                    {
                        await ClearLocksAsync(volume, said.Split('\n').Where(line => line.StartsWith('/')).Select(line => line.Split(' ')[0]).Distinct(StringComparer.Ordinal).Take(20));
                    }

                    clock.Restart();
                }

                tooMany = [.. Nodes.SelectMany(node => Directory.GetDirectories(node.BrickOf(volume), ".glusterfs-anonymous-inode-*")).SelectMany(Directory.EnumerateFileSystemEntries)];
                return said.Split("Number of entries: 0").Length - 1 == Size && tooMany.Length == 0;
            }, seconds);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}\n{said}\n{string.Join('\n', tooMany)}", late);
        }
    }

    // A client of Gluster 10.3 may keep the lock of a write that was under way when its node was cut off, or when a brick came back: healing waits
    // for it for ever, all bricks connected. An operator does the same (docs/operations.md).
    private async Task ClearLocksAsync(string volume, IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            await Nodes[0].TryGlusterAsync("volume", "clear-locks", volume, path, "kind", "granted", "inode");
            await Nodes[0].TryGlusterAsync("volume", "clear-locks", volume, path, "kind", "granted", "entry");
        }
    }

    /// <summary>The power of all nodes goes at once: what no brick has forced out to its disk is lost.</summary>
    public async Task CutPowerAsync()
    {
        await Task.WhenAll(Nodes.Select(node => Shell.RunAsync("xfs_io", "-x", "-c", "shutdown", node.Brick)));
        await Task.WhenAll(Nodes.Select(node => node.EndGlusterAsync()));
    }

    /// <summary>The power comes back, and every volume is mounted where it was. No process may hold a file of one.</summary>
    public async Task RestorePowerAsync()
    {
        string[] bricks = [.. Nodes.Select(node => node.Brick)];
        foreach (var node in Nodes)
        {
            await node.UnmountAllAsync([.. mounted.Select(GlusterNode.MountPoint), .. bricks]);
        }

        foreach (var node in Nodes)
        {
            await Shell.RunAsync("umount", node.Brick);
            await node.StartGlusterAsync(await LoopDevice.MountAsync($"{node.Brick}.xfs", node.Brick));
        }

        await SeeEachOtherAsync();
        foreach (var volume in mounted)
        {
            // With quorum among servers, a glusterd that starts alone does not start its bricks, and may not do so later. An operator does the same (docs/operations.md).
            await ReviveAsync(volume);
        }

        foreach (var (volume, node) in mounted.SelectMany(volume => Nodes.Select(node => (volume, node))))
        {
            await node.MountAsync(volume);
            await node.ReachesBricksAsync(volume);
        }
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

        await SeeEachOtherAsync();
    }

    private async Task SeeEachOtherAsync()
    {
        foreach (var node in Nodes)
        {
            await Wait.UntilAsync($"{node.Name} to see every peer", async () => (await node.TryGlusterAsync("pool", "list")).Output.Split("Connected").Length - 1 == Size);
        }
    }
}
