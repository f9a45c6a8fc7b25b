using StorageHost.ImageStorages;

namespace StorageHost.BlockDevices;

/// <summary>
/// Which device is built on which, by their numbers: partitions, LVM, md and multipath as lsblk nests them, and loop devices on the
/// device that their file lies on.
/// </summary>
internal sealed class DeviceGraph
{
    // Of type "disk" for lsblk, but memory, or a disk of some other machine.
    private static readonly string[] NotPhysical = ["zram", "ram", "nbd", "rbd", "fd"];

    private readonly Dictionary<string, HashSet<string>> builtOn = new(StringComparer.Ordinal);
    private readonly List<LsblkDevice> roots;
    private readonly Dictionary<string, LsblkDevice> multipaths = new(StringComparer.Ordinal);

    /// <summary>Joins what lsblk shows with the loop devices.</summary>
    /// <param name="devices">As lsblk shows them.</param>
    /// <param name="loopFiles">The files behind the loop devices, by the device's name.</param>
    /// <param name="mounts">Tells which device a file lies on.</param>
    public DeviceGraph(IReadOnlyList<LsblkDevice> devices, IReadOnlyDictionary<string, string> loopFiles, IMounts mounts)
    {
        roots = [.. devices];
        foreach (var device in devices)
        {
            Add(device);
            if (loopFiles.GetValueOrDefault(device.Kname) is { } file && mounts.DeviceOf(file) is { } below)
            {
                Above(below).Add(device.Number);
            }
        }
    }

    /// <summary>The physical disks.</summary>
    /// <param name="links">The names in <c>/dev/disk/by-id</c>, by the kernel's name of a device.</param>
    public IReadOnlyList<PhysicalDisk> Disks(ILookup<string, string> links)
    {
        var disks = roots
            .Where(device => device is { Type: "disk", Size: not 0 } && !NotPhysical.Any(name => IsNamed(device, name)))
            .Select(device => (Device: device, Numbers: Reach(device.Number)))
            .GroupBy(disk => disk.Numbers.FirstOrDefault(multipaths.ContainsKey) ?? disk.Device.Number, StringComparer.Ordinal)
            .Select(paths => (
                paths.First().Device,
                Path: multipaths.GetValueOrDefault(paths.Key)?.Path ?? paths.First().Device.Path,
                Numbers: paths.SelectMany(path => path.Numbers).ToHashSet(StringComparer.Ordinal)))
            .ToList();

        // An id that two disks claim (cheap enclosures do) tells neither from the other.
        var ids = disks.ToLookup(disk => DiskId.Of(disk.Device, links[disk.Device.Kname]), StringComparer.Ordinal);
        return
        [
            .. ids.SelectMany(same => same.Select(disk => new PhysicalDisk(
                same.Count() == 1 ? same.Key : disk.Device.Kname,
                disk.Device.Vendor?.Trim() ?? "",
                disk.Device.Model?.Trim() ?? "",
                disk.Path,
                disk.Numbers))),
        ];
    }

    private static bool IsNamed(LsblkDevice device, string name) =>
        device.Kname.StartsWith(name, StringComparison.Ordinal) && device.Kname.Length > name.Length && char.IsAsciiDigit(device.Kname[name.Length]);

    private void Add(LsblkDevice device)
    {
        if (device.Type == "mpath")
        {
            multipaths[device.Number] = device;
        }

        foreach (var child in device.Children ?? [])
        {
            Above(device.Number).Add(child.Number);
            Add(child);
        }
    }

    private HashSet<string> Above(string number) =>
        builtOn.TryGetValue(number, out var above) ? above : builtOn[number] = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>A device and everything above it; each once, so that a loop device on itself ends.</summary>
    private HashSet<string> Reach(string number)
    {
        var reached = new HashSet<string>(StringComparer.Ordinal) { number };
        var open = new Queue<string>([number]);
        while (open.TryDequeue(out var next))
        {
            foreach (var above in builtOn.GetValueOrDefault(next) ?? [])
            {
                if (reached.Add(above))
                {
                    open.Enqueue(above);
                }
            }
        }

        return reached;
    }
}
