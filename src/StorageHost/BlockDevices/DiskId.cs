namespace StorageHost.BlockDevices;

/// <summary>
/// What a disk is called wherever it is plugged in: its SCSI id (<c>3</c> and the World Wide Name in hexadecimal, as udev forms it),
/// its NVMe id, its serial number; where there is none of these, as on many virtual machines, the name of its device.
/// </summary>
internal static class DiskId
{
    // In the order of preference, with what stands for the prefix. NAA names are type 3 of the SCSI identifiers.
    private static readonly (string Prefix, string Instead)[] Forms =
    [
        ("scsi-3", "3"),
        ("wwn-0x", "3"),
        ("nvme-eui.", "eui."),
        ("nvme-uuid.", "uuid."),
        ("nvme-nvme.", "nvme."),
    ];

    /// <summary>The id of a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="links">The names in <c>/dev/disk/by-id</c> that lead to it.</param>
    public static string Of(LsblkDevice disk, IEnumerable<string> links) =>
        FromLinks(links) ?? FromWwn(Trim(disk.Wwn)) ?? Trim(disk.Serial) ?? disk.Kname;

    private static string? FromLinks(IEnumerable<string> links)
    {
        var sorted = links.Order(StringComparer.Ordinal).ToList();
        return Forms
            .SelectMany(form => sorted.Where(link => link.StartsWith(form.Prefix, StringComparison.Ordinal)).Select(link => form.Instead + link[form.Prefix.Length..]))
            .FirstOrDefault();
    }

    private static string? FromWwn(string? wwn) => wwn is not null && wwn.StartsWith("0x", StringComparison.Ordinal) ? $"3{wwn[2..]}" : wwn;

    private static string? Trim(string? text) => text?.Trim() is { Length: > 0 } trimmed ? trimmed : null;
}
