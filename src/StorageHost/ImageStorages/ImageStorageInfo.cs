using System.Text.Json.Serialization;

namespace StorageHost.ImageStorages;

/// <summary>
/// Everything about one image storage, as <c>GET /imagestorages/{id}</c> answers it (source: the owner's image-storage text).
/// </summary>
/// <param name="Hosts">The nodes linked to it: those of the Gluster cluster, or this one.</param>
/// <param name="Volumes">Volumes on a local block device.</param>
/// <param name="ExternalVolumes">Volumes on anything else: NFS, a bind mount, another FUSE file system.</param>
/// <param name="GlusterVolumes">All volumes of the Gluster cluster.</param>
/// <param name="Disks">The physical disks of this node.</param>
internal sealed record ImageStorageInfo(
    IReadOnlyList<string> Hosts,
    IReadOnlyList<VolumeInfo> Volumes,
    IReadOnlyList<ExternalVolumeInfo> ExternalVolumes,
    IReadOnlyList<GlusterVolumeInfo> GlusterVolumes,
    IReadOnlyList<PhysicalDiskInfo> Disks);

/// <summary>What a volume of any kind has.</summary>
internal abstract record AnyVolumeInfo
{
    /// <summary>The volume's name, unique in its image storage.</summary>
    [JsonPropertyOrder(-1)]
    public required string VolumeId { get; init; }

    /// <summary>How it is.</summary>
    public required VolumeStatus Status { get; init; }

    /// <summary>What is wrong and since when, in words; empty when nothing is.</summary>
    public required string StatusMsg { get; init; }

    /// <summary>Its size, in KB of 1024 bytes.</summary>
    public required long TotalSpace { get; init; }

    /// <summary>What is free on it for this daemon, in KB of 1024 bytes.</summary>
    public required long FreeSpace { get; init; }

    /// <summary>The images on it, sorted by file name.</summary>
    public required IReadOnlyList<ImageInfo> Images { get; init; }

    /// <summary>The linked clones on it, sorted by file name.</summary>
    public required IReadOnlyList<CloneInfo> Clones { get; init; }
}

/// <summary>A volume on a local block device.</summary>
internal sealed record VolumeInfo : AnyVolumeInfo
{
    /// <summary>The id of the disk that it lies on; empty when nobody knows.</summary>
    public required string PrimaryDiskId { get; init; }

    /// <summary>The id of the second disk when it lies on several (a mirror, a striped logical volume); else empty.</summary>
    /// <remarks>One of the owner's two examples of a volume leaves it out.</remarks>
    public string SecondaryDiskId { get; init; } = "";
}

/// <summary>A volume that is neither on a local block device nor a Gluster volume.</summary>
internal sealed record ExternalVolumeInfo : AnyVolumeInfo
{
    /// <summary>Where it is mounted.</summary>
    public required string MountPoint { get; init; }
}

/// <summary>A Gluster volume of the cluster.</summary>
internal sealed record GlusterVolumeInfo : AnyVolumeInfo
{
    /// <summary>The volume's name once more, as the owner's example has it.</summary>
    public required string GvolumeName { get; init; }

    /// <summary>The bricks, <c>node:/path</c>, in the CLI's order.</summary>
    public required IReadOnlyList<string> Bricks { get; init; }

    /// <summary>The type as the CLI names it: <c>Distributed-Replicate</c>.</summary>
    public required string Type { get; init; }

    /// <summary>How the bricks make the volume, as the CLI prints it without the total: <c>1 x (4 + 2)</c>.</summary>
    public required string Configuration { get; init; }

    /// <summary><c>tcp</c>, <c>rdma</c> or <c>tcp,rdma</c>.</summary>
    public required string Transport { get; init; }
}

/// <summary>An image: a template, a ready copy or a disk.</summary>
/// <param name="VolumeId">The volume that it lies on.</param>
/// <param name="ImageId">Its name: the template's, or the file's for a copy or disk.</param>
/// <param name="GuestId">The hostname that it belongs to; empty when it belongs to nobody.</param>
/// <param name="ImageStorageId">The image storage that it lies in.</param>
/// <param name="SizeMb">The size of the disk that a guest sees, in MB of 1024² bytes, rounded up.</param>
internal sealed record ImageInfo(string VolumeId, string ImageId, string GuestId, string ImageStorageId, long SizeMb);

/// <summary>A linked clone: a disk whose backing file is a template.</summary>
/// <param name="CloneId">The disk's name.</param>
/// <param name="ImageId">The template's name.</param>
/// <param name="GuestId">The hostname that it belongs to; empty when it belongs to nobody.</param>
internal sealed record CloneInfo(string CloneId, string ImageId, string GuestId);

/// <summary>A physical disk of this node.</summary>
/// <param name="VolumeId">The volume that lies on it; empty when none of ours does.</param>
/// <param name="ProductNumber">The product string that the disk gives of itself.</param>
/// <param name="PhysicalDiskId">Its World Wide Name or SCSI id; without one, its serial number or device name.</param>
/// <param name="Vendor">The vendor string.</param>
/// <param name="HostDevice">The device on this node: <c>/dev/sdb</c>.</param>
internal sealed record PhysicalDiskInfo(string VolumeId, string ProductNumber, string PhysicalDiskId, string Vendor, string HostDevice);

/// <summary>How a volume is, the worse the higher.</summary>
internal enum VolumeStatus
{
    /// <summary>Everything is as it should be.</summary>
    Ok,

    /// <summary>Nobody could tell.</summary>
    Unknown,

    /// <summary>Something needs care, but it serves: a brick or node down, healing, below the reserve.</summary>
    Degraded,

    /// <summary>It does not serve: stopped, quorum lost, split-brain, mount dead or absent.</summary>
    Broken,
}
