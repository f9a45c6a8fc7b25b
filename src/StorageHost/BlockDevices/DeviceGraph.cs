using StorageHost.ImageStorages;

namespace StorageHost.BlockDevices;

/// <summary>
/// Which device is built on which, by their numbers: partitions, LVM, md and multipath as lsblk nests them, loop devices on the device
/// that their file lies on, and the devices of one file system on each other.
/// </summary>
internal sealed class DeviceGraph
{
    // "rbc" is the SCSI type of simple disks behind FireWire and USB.
    private static readonly string?[] DiskTypes = ["disk", "rbc", null];

    private readonly Dictionary<string, HashSet<string>> builtOn = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LsblkDevice> multipaths = new(StringComparer.Ordinal);
    private readonly List<LsblkDevice> roots;

    /// <summary>Joins what lsblk shows with what the kernel tells elsewhere.</summary>
    /// <param name="devices">As lsblk shows them.</param>
    /// <param name="loopFiles">The files behind the loop devices, by the device's name.</param>
    /// <param name="fileSystems">The names of the devices of each file system that may have several.</param>
    /// <param name="mounts">Tells which device a file lies on.</param>
    public DeviceGraph(
        IReadOnlyList<LsblkDevice> devices,
        IReadOnlyDictionary<string, string> loopFiles,
        IEnumerable<IReadOnlyList<string>> fileSystems,
        IMounts mounts)
    {
        // A device that is listed twice is one; the first entry is as good as the others.
        roots = [.. devices.DistinctBy(device => device.Number, StringComparer.Ordinal)];
        foreach (var device in devices)
        {
            Add(device);
            if (loopFiles.GetValueOrDefault(device.Kname) is { } file && mounts.DeviceOf(file) is { } below)
            {
                Above(below).Add(device.Number);
            }
        }

        foreach (var names in fileSystems)
        {
            var members = names.Select(name => numbers.GetValueOrDefault(name)).OfType<string>().ToList();
            members.ForEach(member => Above(member).UnionWith(members));
        }
    }

    /// <summary>The physical disks, each once however many paths lead to it.</summary>
    /// <param name="links">The names in <c>/dev/disk/by-id</c>, by the kernel's name of a device.</param>
    public IReadOnlyList<PhysicalDisk> Disks(ILookup<string, string> links)
    {
        var disks = roots
            .Where(device => device.Size != 0 && DiskTypes.Contains(device.Type, StringComparer.Ordinal) && PhysicalName.Is(device.Kname))
            .GroupBy(DiskBehind, StringComparer.Ordinal)
            .Select(paths => (Paths: paths.ToList(), Multipath: multipaths.GetValueOrDefault(paths.Key)))
            .ToList();

        // An id that two disks claim (cheap enclosures do) tells neither from the other.
        var ids = disks.ToLookup(disk => IdOf(disk.Paths, disk.Multipath, links), StringComparer.Ordinal);
        return
        [
            .. ids.SelectMany(same => same.Select(disk => new PhysicalDisk(
                same.Count() == 1 ? same.Key : disk.Paths[0].Kname,
                DiskId.First(disk.Paths, path => path.Vendor) ?? "",
                DiskId.First(disk.Paths, path => path.Model) ?? "",
                disk.Multipath?.Path ?? disk.Paths[0].Path,
                disk.Paths.SelectMany(path => Reach(path.Number)).ToHashSet(StringComparer.Ordinal)))),
        ];
    }

    private static string IdOf(IReadOnlyList<LsblkDevice> paths, LsblkDevice? multipath, ILookup<string, string> links)
    {
        // Where there is a multipath device, udev's links lead to it and no more to the paths.
        List<LsblkDevice> all = multipath is null ? [.. paths] : [.. paths, multipath];
        return DiskId.Of(all, [.. all.SelectMany(device => links[device.Kname])]);
    }

    /// <summary>
    /// What is the same for all paths to a disk: its multipath device; where nobody has joined them, its World Wide Name. By itself that is
    /// not enough: old versions cut that of a LUN down to the vendor's part, and one series of USB enclosures may have one name.
    /// </summary>
    private string DiskBehind(LsblkDevice device) =>
        builtOn.GetValueOrDefault(device.Number)?.FirstOrDefault(multipaths.ContainsKey)
        ?? (device is { Wwn: { } wwn, Serial: { } serial, Transport: not "usb" } ? $"{wwn} {serial} {device.Size}" : device.Number);

    private void Add(LsblkDevice device)
    {
        numbers[device.Kname] = device.Number;
        if (device.Type == "mpath")
        {
            multipaths[device.Number] = device;
        }

        foreach (var child in device.Children)
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
