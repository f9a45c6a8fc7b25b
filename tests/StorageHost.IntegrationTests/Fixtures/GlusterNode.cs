using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>One node of the cluster: a process that holds its namespaces, and glusterd in them.</summary>
internal sealed class GlusterNode
{
    /// <summary>The options of the group for virtual machines, a line for each.</summary>
    public const string GroupForMachines = $"{Library}/{Groups}/virt";

    private const string Library = "/var/lib/glusterd";
    private const string Groups = "groups";
    private const int Killed = 137; // what timeout ends with, which dies of the signal that it sends

    // /run is the node's own: glusterd's sockets and pid files live there, and so do the mount points of the volumes.
    private const string Boot = """
        set -e
        mount --make-rprivate /
        mount -t tmpfs run /run
        mkdir -p /run/gluster /run/lock
        mount --bind "$1/lib" /var/lib/glusterd
        mount --bind "$1/log" /var/log/glusterfs
        mount --bind "$2" /etc/hosts
        hostname "$3"
        glusterd -p /run/glusterd.pid
        exec sleep infinity
        """;

    private GlusterNode(string name, string brick, Place place) => (Name, Brick, Place) = (name, brick, place);

    public string Name { get; }

    /// <summary>The mounted file system for its bricks.</summary>
    public string Brick { get; }

    public Place Place { get; }

    /// <summary>The directory that this node gives to a volume.</summary>
    public string BrickOf(string volume) => Path.Combine(Brick, volume);

    public static string MountPoint(string volume) => $"/run/volumes/{volume}";

    public static async Task<GlusterNode> StartAsync(string directory, int number, string address, string bridge, string hosts, string brick)
    {
        var name = $"{Lab.Prefix}{number}";
        var wire = $"{Lab.Prefix}v{number}";
        var home = Path.Combine(directory, name);
        Directory.CreateDirectory(Path.Combine(home, "lib"));
        Directory.CreateDirectory(Path.Combine(home, "log"));
        CopyGroups(Path.Combine(home, "lib", Groups));
        Directory.CreateDirectory(Library);
        Directory.CreateDirectory("/var/log/glusterfs");

        await Shell.RunAsync("ip", "netns", "add", name);
        await Shell.RunAsync("ip", "link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name);
        await Shell.RunAsync("ip", "link", "set", wire, "master", bridge, "up");
        await Shell.RunAsync("ip", "-n", name, "addr", "add", $"{address}/24", "dev", "eth0");
        await Shell.RunAsync("ip", "-n", name, "link", "set", "eth0", "up");
        await Shell.RunAsync("ip", "-n", name, "link", "set", "lo", "up");

        // Else a connection that was begun while the node was cut off is tried again only up to half a minute after its return.
        await Shell.RunAsync("ip", "netns", "exec", name, "sysctl", "-q", "-w", "net.ipv4.tcp_syn_retries=1");

        using var holder = Shell.Start(["ip", "netns", "exec", name, "unshare", "-m", "-u", "bash", "-c", Boot, "boot", home, hosts, name]);
        var pid = holder.Id.ToString(CultureInfo.InvariantCulture);
        await Wait.UntilAsync($"{name} to boot", async () => (await Shell.TryAsync("cat", $"/proc/{pid}/comm")).Output is "sleep\n");
        return new GlusterNode(name, brick, new Place(address, ["nsenter", "-t", pid, "-m", "-u", "-n", "--"], $"/proc/{pid}/root"));
    }

    public async Task<string> GlusterAsync(params string[] words)
    {
        var said = await TryGlusterAsync(words);
        return said.ExitCode == 0 ? said.Output : throw new InvalidOperationException($"gluster {string.Join(' ', words)}: {said.Output}{said.Error}");
    }

    public Task<Said> TryGlusterAsync(params string[] words) => Shell.TryAsync(Place.Command(["gluster", "--mode=script", .. words]));

    /// <summary>Mounts a volume here; mkdir is in the command since /run of the node cannot be reached otherwise before.</summary>
    public async Task MountAsync(string volume)
    {
        await Place.RunAsync("mkdir", "-p", MountPoint(volume));
        await Place.RunAsync("mount", "-t", "glusterfs", $"{Name}:/{volume}", MountPoint(volume));
    }

    public Task UnmountAsync(string volume) => Place.RunAsync("umount", "-l", MountPoint(volume));

    /// <summary>Keeps this node from reaching others, while this machine still reaches it.</summary>
    public async Task CutOffAsync(IEnumerable<GlusterNode> others)
    {
        foreach (var other in others.Where(other => other != this))
        {
            await Shell.RunAsync("ip", "-n", Name, "route", "add", "blackhole", other.Place.Address);
        }
    }

    /// <summary>Lets it reach them again.</summary>
    public async Task JoinAsync(IEnumerable<GlusterNode> others)
    {
        foreach (var other in others.Where(other => other != this))
        {
            await Shell.RunAsync("ip", "-n", Name, "route", "del", "blackhole", other.Place.Address);
        }
    }

    /// <summary>Ends every process of Gluster on this node.</summary>
    public Task EndGlusterAsync() => Wait.UntilAsync($"Gluster on {Name} to end", async () =>
    {
        var all = (await ProcessesAsync()).Where(process => process.Program is "glusterd" or "glusterfsd" or "glusterfs").ToArray();
        foreach (var process in all)
        {
            await Shell.TryAsync("kill", "-KILL", string.Create(CultureInfo.InvariantCulture, $"{process.Pid}"));
        }

        return all.Length == 0;
    });

    /// <summary>Unmounts whatever of this is mounted here.</summary>
    public async Task UnmountAllAsync(IReadOnlyCollection<string> mountPoints) => await Wait.UntilAsync($"{Name} to unmount", async () =>
    {
        var mounts = (await Place.RunAsync("cat", "/proc/self/mounts")).Split('\n').Select(line => line.Split(' ')).Where(mount => mount.Length > 1);
        var left = mounts.Select(mount => mount[1]).Where(mountPoints.Contains).ToArray();
        foreach (var mountPoint in left)
        {
            await Shell.TryAsync(Place.Command("umount", mountPoint));
        }

        return left.Length == 0;
    });

    /// <summary>Mounts the file system of the bricks and starts glusterd, which starts what serves them.</summary>
    public async Task StartGlusterAsync(string device)
    {
        await Place.RunAsync("mount", device, Brick);
        await Place.RunAsync("glusterd", "-p", "/run/glusterd.pid");
    }

    /// <summary>The process that serves a mount of this node.</summary>
    public async Task<int> FuseClientAsync(string volume) => (await ProcessesAsync()).Single(process =>
        process.Program is "glusterfs" && process.Arguments is [.., var last] && last == MountPoint(volume)).Pid;

    /// <summary>Ends what serves a mount of this node, if it is there: whoever waits for it waits no longer.</summary>
    public async Task EndFuseClientAsync(string volume)
    {
        foreach (var client in (await ProcessesAsync()).Where(process => process.Program is "glusterfs" && process.Arguments is [.., var last] && last == MountPoint(volume)))
        {
            await Shell.TryAsync("kill", "-KILL", string.Create(CultureInfo.InvariantCulture, $"{client.Pid}"));
        }
    }

    /// <summary>The process that serves a brick of this node; null when none does, or one is about to: until it has gone to the background it is two.</summary>
    public async Task<int?> BrickServerAsync(string path) => (await ProcessesAsync())
        .Where(process => process.Program is "glusterfsd" && process.Arguments.Contains(path, StringComparer.Ordinal)).Select(process => (int?)process.Pid).ToArray() is [var only] ? only : null;

    /// <summary>Ends the process that serves this node's brick of a volume.</summary>
    public async Task KillBrickAsync(string volume) =>
        Signal.Send(Signal.Kill, await BrickServerAsync(BrickOf(volume)) ?? throw new InvalidOperationException($"{Name} serves no brick of {volume}"));

    /// <summary>Whether the mount of this node gives no answer for a long time.</summary>
    public async Task<bool> HangsAsync(string volume) => (await Shell.TryAsync(Place.Command("timeout", "-s", "KILL", "15", "ls", MountPoint(volume)))).ExitCode == Killed;

    /// <summary>Waits until the mount of this node is connected to each of a volume's bricks.</summary>
    public Task ReachesBricksAsync(string volume, int bricks = 3) => Wait.UntilAsync(
        $"{Name} to reach every brick of {volume}", () => Task.FromResult(Enumerable.Range(0, bricks).All(brick => Reaches(volume, brick))), seconds: 180);

    /// <summary>The node's glusterd: the first, since each program that it starts is another for a moment.</summary>
    public async Task<int> ManagementDaemonAsync() => (await ProcessesAsync()).Where(process => process.Program is "glusterd").Min(process => process.Pid);

    private async Task<IReadOnlyList<(int Pid, string Program, string[] Arguments)>> ProcessesAsync()
    {
        var pids = (await Shell.RunAsync("ip", "netns", "pids", Name)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return
        [
            .. from pid in pids.Select(pid => int.Parse(pid, CultureInfo.InvariantCulture))
               let words = CommandLine(pid).TrimEnd('\0').Split('\0')
               select (pid, Path.GetFileName(words[0]), words[1..]),
        ];
    }

    // The groups of options that come with the package: a node of its own has none.
    private static void CopyGroups(string target)
    {
        Directory.CreateDirectory(target);
        foreach (var group in Directory.EnumerateFiles(Path.Combine(Library, Groups)))
        {
            File.Copy(group, Path.Combine(target, Path.GetFileName(group)), overwrite: true);
        }
    }

    private static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Whether the mount of this node is connected to a volume's brick of that number.</summary>
    public bool Reaches(string volume, int brick)
    {
        var state = Place.Seen($"{MountPoint(volume)}/.meta/graphs/active/{volume}-client-{brick}/private");
        return File.Exists(state) && File.ReadAllText(state).Contains("connected = 1\n", StringComparison.Ordinal);
    }
}
