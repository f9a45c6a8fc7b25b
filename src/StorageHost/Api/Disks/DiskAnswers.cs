using System.Text.Json.Serialization;
using StorageHost.Images.Disks;
using StorageHost.Images.Templates;

namespace StorageHost.Api.Disks;

/// <summary>Answers <c>/disks</c>.</summary>
/// <param name="Disks">Some of the disks, sorted by their names.</param>
/// <param name="Next">What <c>after</c> has to be for the next ones; null when there are none.</param>
internal sealed record DisksAnswer(IReadOnlyList<DiskInfoAnswer> Disks, string? Next)
{
    public static DisksAnswer Of(DiskPage page) => new([.. page.Disks.Select(disk => DiskInfoAnswer.Of(disk))], page.Next);
}

/// <summary>A disk.</summary>
/// <param name="Disk">The file's name.</param>
/// <param name="Hostname">The VM that it belongs to.</param>
/// <param name="Kind">Whether it holds the system or was made empty.</param>
/// <param name="Format">Its format.</param>
/// <param name="VirtualSizeBytes">The size of the disk that the guest sees.</param>
/// <param name="AllocatedBytes">What it takes on the volume.</param>
/// <param name="Image">The image that it was made of; null for data disks, and when nobody knows.</param>
/// <param name="Version">The version that its template is kept as; null when it is the template still, or is not kept.</param>
/// <param name="Current">Whether its template is the image's template still; null when nobody knows.</param>
/// <param name="Linked">Whether it is a linked clone.</param>
/// <param name="Created">When its file was made: for a system disk, when the copy was. Null when nobody recorded it.</param>
/// <param name="InUse">Whether QEMU has it open, on any node; only where one disk is asked for.</param>
internal sealed record DiskInfoAnswer(
    string Disk, string Hostname, DiskKind Kind, ImageFormat Format, long VirtualSizeBytes, long AllocatedBytes, string? Image,
    int? Version, bool? Current, bool Linked, DateTimeOffset? Created,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? InUse)
{
    public static DiskInfoAnswer Of(OneDisk one) => Of(one.Disk, one.IsInUse);

    public static DiskInfoAnswer Of(ListedDisk listed, bool? inUse = null)
    {
        var disk = listed.Disk;
        return new DiskInfoAnswer(
            disk.File, disk.Hostname, disk.Kind, disk.Format, disk.VirtualBytes, disk.AllocatedBytes, disk.Image, listed.Version,
            listed.IsCurrent, disk.Backing is not null,
            disk.Origin.CreatedMs is { } created ? DateTimeOffset.FromUnixTimeMilliseconds(created) : null, inUse);
    }
}
