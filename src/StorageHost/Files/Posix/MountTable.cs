using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.ImageStorages;

namespace StorageHost.Files.Posix;

/// <summary>A line of the mount table.</summary>
/// <param name="FileSystemType">The type, with a FUSE subtype: <c>xfs</c>, <c>fuse.glusterfs</c>.</param>
/// <param name="Path">Where it is mounted.</param>
/// <param name="Source">What is mounted there: a device, or <c>server:/volume</c>.</param>
/// <param name="DeviceNumber">The number of the device, <c>major:minor</c>.</param>
internal sealed record MountPoint(string FileSystemType, string Path, string Source, string DeviceNumber)
{
    /// <summary>Whether Gluster's own client has mounted it.</summary>
    public bool IsGluster => FileSystemType == "fuse.glusterfs";
}

/// <summary>Reads <c>/proc/self/mountinfo</c> (format: proc(5)).</summary>
internal sealed class MountTable : IMounts
{
    private const string TablePath = "/proc/self/mountinfo";

    public string? DeviceOf(string path) => Covering(Lines(TablePath), path) is { } point ? BlockDevice(point).DeviceNumber : null;

    /// <summary>The mount that an open file lies on; null when the table does not show it any more (lazily unmounted).</summary>
    public static MountPoint? Of(SafeFileHandle file)
    {
        return Find(Lines(TablePath), IdOf(file)) is { } point ? BlockDevice(point) : null;
    }

    /// <summary>
    /// Whether the mount that an open file lies on is read-only. Of an ext4 that an error made so, the table alone tells (Linux 6.15):
    /// access(2) and statvfs(2) go by how it was mounted.
    /// </summary>
    public static bool IsReadOnly(SafeFileHandle file) => IsReadOnly(Lines(TablePath), IdOf(file));

    /// <summary>The same of the mount of that id among the lines of a mount table.</summary>
    internal static bool IsReadOnly(IEnumerable<string> lines, string id) => Parse(lines).Any(line => line.Id == id && line.IsReadOnly);

    /// <summary>The mount of that id among the lines of a mount table.</summary>
    internal static MountPoint? Find(IEnumerable<string> lines, string id) =>
        Parse(lines).Where(line => line.Id == id).Select(line => line.Point).FirstOrDefault();

    /// <summary>
    /// The mount that a path lies on, found as the kernel does: from the root, step by step into what is mounted first on the way. The
    /// table's order says nothing, and a deep mount may be hidden below a later one.
    /// </summary>
    internal static MountPoint? Covering(IEnumerable<string> lines, string path)
    {
        var mounts = Parse(lines).ToList();
        var root = mounts.Find(mount => mount.Point.Path == "/" && !mounts.Exists(other => other.Id == mount.Parent));
        for (var (current, steps) = (root, 0); current is not null && steps < mounts.Count; steps++)
        {
            var next = mounts.Where(mount => mount.Parent == current.Id && Covers(mount.Point.Path, path))
                .MinBy(mount => mount.Point.Path.Length);
            if (next is null)
            {
                return current.Point;
            }

            current = next;
        }

        return null;
    }

    private static string IdOf(SafeFileHandle file) =>
        Lines(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{file.DangerousGetHandle()}"))
            .First(line => line.StartsWith("mnt_id:", StringComparison.Ordinal))["mnt_id:".Length..].Trim();

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException exception) when (Errno.IsOwn(exception.HResult))
        {
            // .NET keeps an errno that has no exception of its own there.
            throw new StorageException("open", "the mount table", exception.HResult);
        }
    }

    private static IEnumerable<Line> Parse(IEnumerable<string> lines)
    {
        foreach (var fields in lines.Select(line => line.Split(' ')))
        {
            // 36 35 98:0 /root /mount/point options optional... - type source super-options
            var separator = Array.IndexOf(fields, "-");
            if (fields.Length > separator + 2 && separator > 5)
            {
                yield return new Line(
                    fields[0],
                    fields[1],
                    new MountPoint(fields[separator + 1], Unescape(fields[4]), Unescape(fields[separator + 2]), fields[2]),
                    $"{fields[5]},{fields.ElementAtOrDefault(separator + 3)}".Split(',').Any(option => option is "ro" or "emergency_ro"));
            }
        }
    }

    private static bool Covers(string mountPoint, string path) =>
        mountPoint == "/"
            || path == mountPoint
            || (path.StartsWith(mountPoint, StringComparison.Ordinal) && path[mountPoint.Length] == '/');

    /// <summary>
    /// A file system such as btrfs has a device number of its own that no block device bears: its source says which one it lies on.
    /// </summary>
    private static MountPoint BlockDevice(MountPoint point)
    {
        if (!point.DeviceNumber.StartsWith("0:", StringComparison.Ordinal) || !point.Source.StartsWith("/dev/", StringComparison.Ordinal))
        {
            return point;
        }

        try
        {
            var source = FirstDevice(point.Source);
            var device = File.ResolveLinkTarget(source, returnFinalTarget: true)?.FullName ?? source;
            return point with { DeviceNumber = File.ReadAllText($"/sys/class/block/{SysfsName(device)}/dev").Trim() };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return point;
        }
    }

    /// <summary>The first of the devices that a source names: bcachefs names all of its own, <c>/dev/sda:/dev/sdb</c>.</summary>
    internal static string FirstDevice(string source) => source.Split(":/dev/")[0];

    /// <summary>What the kernel calls a device node: <c>/dev/cciss/c0d0</c> is <c>cciss!c0d0</c> there.</summary>
    internal static string SysfsName(string node) =>
        (node.StartsWith("/dev/", StringComparison.Ordinal) ? node["/dev/".Length..] : Path.GetFileName(node)).Replace('/', '!');

    private static string Unescape(string text) =>
        text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);

    private sealed record Line(string Id, string Parent, MountPoint Point, bool IsReadOnly);
}
