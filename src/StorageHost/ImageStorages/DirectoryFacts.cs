using StorageHost.Images.Disks;
using StorageHost.Images.Templates;

namespace StorageHost.ImageStorages;

/// <summary>What was learnt of a configured directory.</summary>
/// <param name="FileSystemType">As the mount table names it, <c>fuse.glusterfs</c>; empty when it could not be read.</param>
/// <param name="Source">What is mounted: a device, <c>server:/volume</c>.</param>
/// <param name="MountPoint">Where.</param>
/// <param name="DeviceNumber">The number of the device that it lies on, <c>major:minor</c>.</param>
/// <param name="TotalBytes">Size of the volume.</param>
/// <param name="FreeBytes">What is free of it for this daemon.</param>
/// <param name="Images">What lies in the directory, sorted by file name.</param>
/// <param name="MultiLinked">The disks whose file has had a second name for longer than is normal, sorted.</param>
internal sealed record DirectoryFacts(
    string FileSystemType,
    string Source,
    string MountPoint,
    string DeviceNumber,
    long TotalBytes,
    long FreeBytes,
    IReadOnlyList<IndexedImage> Images,
    IReadOnlyList<string> MultiLinked)
{
    /// <summary>Why nothing can be written to it; null when something can, or nobody tries.</summary>
    public string? Unwritable { get; init; }

    /// <summary>What was refused for want of room, in words; null when nothing was.</summary>
    public string? Refused { get; init; }

    /// <summary>What more is known of the templates among the images.</summary>
    public IReadOnlyList<TemplateDetails> Templates { get; init; } = [];

    /// <summary>What more is known of the disks among the images, sorted by file name.</summary>
    public IReadOnlyList<DiskInfo> Disks { get; init; } = [];

    private const string GlusterMount = "fuse.glusterfs";

    /// <summary>
    /// The Gluster volume that it lies on, from a source <c>node:/volume</c>, <c>node:volume</c> or <c>node:/volume/folder</c>; null for
    /// none.
    /// </summary>
    public string? GlusterVolume => FileSystemType == GlusterMount
        ? Source[(Source.IndexOf(':', StringComparison.Ordinal) + 1)..].TrimStart('/').Split('/')[0]
        : null;
}

/// <summary>An image file as the index knows it.</summary>
/// <param name="FileName">The file's name.</param>
/// <param name="ImageId">The template's name for a template, else the file's name without a disk's suffix.</param>
/// <param name="GuestId">The hostname that it belongs to; empty for templates and ready copies.</param>
/// <param name="VirtualBytes">The size of the disk that a guest sees.</param>
/// <param name="Template">The template that is its backing file; null when it is no linked clone.</param>
internal sealed record IndexedImage(string FileName, string ImageId, string GuestId, long VirtualBytes, string? Template);
