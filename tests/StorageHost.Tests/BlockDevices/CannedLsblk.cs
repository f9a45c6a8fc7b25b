using System.Runtime.CompilerServices;
using StorageHost.BlockDevices;
using StorageHost.ImageStorages;

namespace StorageHost.Tests.BlockDevices;

/// <summary>Disks out of what lsblk prints, without a machine that has them.</summary>
internal sealed class CannedLsblk : IMounts
{
    /// <summary>Names in <c>/dev/disk/by-id</c> and the kernel's names of their devices.</summary>
    public List<(string Link, string Kname)> Links { get; } = [];

    /// <summary>Files behind loop devices.</summary>
    public Dictionary<string, string> LoopFiles { get; } = [];

    /// <summary>The devices of file systems that have several.</summary>
    public List<string[]> FileSystems { get; } = [];

    /// <summary>Device numbers by the beginnings of paths.</summary>
    public Dictionary<string, string> Mounts { get; } = [];

    public string? DeviceOf(string path) =>
        Mounts.Where(mount => path.StartsWith(mount.Key, StringComparison.Ordinal)).MaxBy(mount => mount.Key.Length).Value;

    public IReadOnlyList<PhysicalDisk> Disks(params string[] devices) => DisksIn($$"""{ "blockdevices": [ {{string.Join(',', devices)}} ] }""");

    /// <summary>Those of a whole answer.</summary>
    public IReadOnlyList<PhysicalDisk> DisksIn(string answer) => new DeviceGraph(LsblkAnswer.Read(answer).Devices, LoopFiles, FileSystems, this)
        .Disks(Links.ToLookup(link => link.Kname, link => link.Link, StringComparer.Ordinal));

    /// <summary>An answer that is kept in a file, by the version of util-linux or what is special in it.</summary>
    public static string Text(string file) => System.IO.File.ReadAllText(File(file));

    /// <summary>Where it lies.</summary>
    public static string File(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Canned", $"{file}.json");

    /// <summary>One device in lsblk's own form, with members that nobody asked for.</summary>
    public static string Device(string kname, string number, string type, string more = "", params string[] children) => $$"""
        {
           "name":"{{kname}}", "kname":"{{kname}}", "path":"/dev/{{kname}}", "maj:min":"{{number}}", "rm":false, "ro":false,
           "size":250059350016, "type":"{{type}}", "mountpoints":[null], "fstype":null
           {{(more.Length > 0 ? "," + more : "")}}
           {{(children.Length > 0 ? $",\"children\":[{string.Join(',', children)}]" : "")}}
        }
        """;
}
