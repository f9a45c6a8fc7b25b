namespace StorageHost.BlockDevices;

/// <summary>
/// What a disk is called wherever it is plugged in: its SCSI id (<c>3</c> and the World Wide Name in hexadecimal, as udev forms it),
/// its NVMe id, its serial number; where there is none of these, as on many virtual machines, the name of its device.
/// </summary>
internal static class DiskId
{
    // In the order of preference, with what stands for the prefix. NAA names are type 3 of the SCSI identifiers.
    private static readonly (string Prefix, string Instead)[] WorldWide =
    [
        ("scsi-3", "3"),
        ("wwn-0x", "3"),
        ("nvme-eui.", "eui."),
        ("nvme-uuid.", "uuid."),
        ("nvme-nvme.", "nvme."),
        ("dm-uuid-mpath-", ""),
    ];

    // lsblk does not show the serial number of a virtio disk before 2.33.
    private static readonly (string Prefix, string Instead)[] Local = [("virtio-", "")];

    /// <summary>The id of a disk.</summary>
    /// <param name="paths">The disk, or all paths that lead to it.</param>
    /// <param name="links">The names in <c>/dev/disk/by-id</c> that lead to it.</param>
    public static string Of(IReadOnlyList<LsblkDevice> paths, IReadOnlyCollection<string> links) =>
        FromLinks(WorldWide, links)
        ?? FromWwn(First(paths, path => path.Wwn))
        ?? First(paths, path => path.Serial)
        ?? FromLinks(Local, links)
        ?? paths[0].Kname;

    /// <summary>What the first path that says anything says.</summary>
    public static string? First(IEnumerable<LsblkDevice> paths, Func<LsblkDevice, string?> says) =>
        paths.Select(says).FirstOrDefault(text => text is not null);

    private static string? FromLinks((string Prefix, string Instead)[] forms, IReadOnlyCollection<string> links) => forms
        .SelectMany(form => links
            .Where(link => link.StartsWith(form.Prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(link => form.Instead + link[form.Prefix.Length..]))
        .FirstOrDefault();

    private static string? FromWwn(string? wwn) =>
        wwn is null ? null
        : wwn.StartsWith("0x", StringComparison.Ordinal) ? $"3{wwn[2..]}"
        : wwn.StartsWith("naa.", StringComparison.Ordinal) ? $"3{wwn[4..]}"
        : wwn;
}
