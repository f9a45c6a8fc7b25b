using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files;

/// <summary>A line of the mount table.</summary>
/// <param name="FileSystemType">The type, with a FUSE subtype: <c>xfs</c>, <c>fuse.glusterfs</c>.</param>
/// <param name="Path">Where it is mounted.</param>
/// <param name="Source">What is mounted there: a device, or <c>server:/volume</c>.</param>
internal sealed record MountPoint(string FileSystemType, string Path, string Source);

/// <summary>Reads <c>/proc/self/mountinfo</c> (format: proc(5)).</summary>
internal static class MountTable
{
    /// <summary>The mount that an open file lies on; null when the table does not show it any more (lazily unmounted).</summary>
    public static MountPoint? Of(SafeFileHandle file)
    {
        var info = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{file.DangerousGetHandle()}"));
        var id = info.First(line => line.StartsWith("mnt_id:", StringComparison.Ordinal))["mnt_id:".Length..].Trim();
        return Find(File.ReadLines("/proc/self/mountinfo"), id);
    }

    /// <summary>The mount of that id among the lines of a mount table.</summary>
    internal static MountPoint? Find(IEnumerable<string> lines, string id)
    {
        foreach (var fields in lines.Select(line => line.Split(' ')))
        {
            // 36 35 98:0 /root /mount/point options optional... - type source super-options
            var separator = Array.IndexOf(fields, "-");
            if (fields[0] == id && fields.Length > separator + 2 && separator > 5)
            {
                return new MountPoint(fields[separator + 1], Unescape(fields[4]), Unescape(fields[separator + 2]));
            }
        }

        return null;
    }

    private static string Unescape(string text) =>
        text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
}
