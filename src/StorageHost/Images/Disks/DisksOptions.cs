namespace StorageHost.Images.Disks;

/// <summary>The section <c>Disks</c>: what disks are like.</summary>
internal sealed class DisksOptions
{
    /// <summary>The largest data disk, in GiB.</summary>
    public int MaxSizeGb { get; set; } = 65536;

    /// <summary>The permission bits of a disk, in octal.</summary>
    public string Mode { get; set; } = "0600";

    /// <summary>The numeric user id that owns a disk; -1: the daemon's own.</summary>
    public int Owner { get; set; } = -1;

    /// <summary>The numeric group id of a disk; -1: the daemon's own.</summary>
    public int Group { get; set; } = -1;
}
