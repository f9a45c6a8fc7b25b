using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Images.Disks;

/// <summary>What a disk is for.</summary>
internal enum DiskKind
{
    /// <summary>It holds the operating system.</summary>
    System,

    /// <summary>It was made empty.</summary>
    Data,
}

/// <summary>What a disk remembers of how it came to be; it never changes while the file is the same.</summary>
/// <param name="Image">The image whose copy it is; null for data disks, and where nobody recorded it.</param>
/// <param name="MadeFrom">The state of the template; null where nobody recorded it.</param>
/// <param name="CreatedMs">When its file was made, in milliseconds since 1970; null where nobody recorded it.</param>
internal sealed record DiskOrigin(string? Image, Fingerprint? MadeFrom, long? CreatedMs)
{
    /// <summary>Of disks of which nobody recorded anything: all of them have the same.</summary>
    public static DiskOrigin Unknown { get; } = new(null, null, null);
}

/// <summary>A disk as the index of the directory knows it.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Hostname">Whose it is.</param>
/// <param name="Kind">What it is for.</param>
/// <param name="Format">Its format.</param>
/// <param name="VirtualBytes">The size of the disk that its guest sees, in bytes.</param>
/// <param name="AllocatedBytes">What it takes on the volume, in bytes.</param>
/// <param name="Backing">The template that is its backing file; null when it is no linked clone.</param>
/// <param name="Origin">How it came to be.</param>
internal sealed record DiskInfo(
    string File, string Hostname, DiskKind Kind, ImageFormat Format, long VirtualBytes, long AllocatedBytes, string? Backing,
    DiskOrigin Origin)
{
    /// <summary>The image that it is of; null when nobody knows.</summary>
    public string? Image => Backing ?? Origin.Image;
}

/// <summary>A disk with what is known of its template.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Version">The version that its template is kept as; null when it is the template still, or is not kept.</param>
/// <param name="IsCurrent">Whether its template is the image's template still; null when nobody knows what it was made from.</param>
internal sealed record ListedDisk(DiskInfo Disk, int? Version, bool? IsCurrent);

/// <summary>Which disks are asked for. What is null does not matter.</summary>
/// <param name="Hostname">Whose.</param>
/// <param name="Image">Of which image.</param>
/// <param name="Kind">What for.</param>
/// <param name="After">Only those whose names sort behind this one.</param>
/// <param name="Limit">At most so many.</param>
internal sealed record DiskFilter(Hostname? Hostname, ImageName? Image, DiskKind? Kind, FileName? After, int Limit);

/// <summary>Some disks, sorted by their names.</summary>
/// <param name="Disks">The disks.</param>
/// <param name="Next">The name after which the next page begins; null at the end.</param>
internal sealed record DiskPage(IReadOnlyList<ListedDisk> Disks, string? Next);

/// <summary>A disk as it is now.</summary>
/// <param name="Disk">What is known of it.</param>
/// <param name="IsInUse">Whether a QEMU, on any node, has it open.</param>
internal sealed record OneDisk(ListedDisk Disk, bool IsInUse);
