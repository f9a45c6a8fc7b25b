using System.Text.Json.Serialization;
using StorageHost.Images;
using StorageHost.Images.Names;

namespace StorageHost.Api.Dispatch;

/// <summary>Answers <c>images</c>.</summary>
/// <param name="Images">The names of the templates, sorted.</param>
internal sealed record ImagesAnswer(IReadOnlyList<string> Images)
{
    public static ImagesAnswer Of(IEnumerable<ImageName> images) => new([.. images.Select(image => image.Text)]);
}

/// <summary>Answers <c>setimage</c>.</summary>
/// <param name="Hostname">The VM's name.</param>
/// <param name="Image">The image that it boots.</param>
/// <param name="Disk">The file of the system disk.</param>
/// <param name="Source">Whether a copy was ready or had to be made.</param>
/// <param name="SizeGb">Its size in GiB; only where the request asked for one.</param>
/// <param name="Linked">Whether it is a linked clone; only where the request asked for a size.</param>
internal sealed record DiskAnswer(
    string Hostname, string Image, string Disk, DiskSource Source,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? SizeGb,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Linked)
{
    public static DiskAnswer Of(PublishedDisk disk) => new(
        disk.Hostname.Text, disk.Image.Text, disk.Disk.Text, disk.Source, disk.SizeGb, disk.SizeGb is null ? null : false);
}

/// <summary>Answers <c>addstorage</c>.</summary>
/// <param name="Hostname">The VM's name.</param>
/// <param name="Disk">The file of the data disk.</param>
/// <param name="SizeGb">Its size in GiB.</param>
internal sealed record DataDiskAnswer(string Hostname, string Disk, int SizeGb)
{
    public static DataDiskAnswer Of(DataDisk disk) => new(disk.Hostname.Text, disk.Disk.Text, disk.SizeGb);
}

/// <summary>Answers the deletion of a host.</summary>
/// <param name="Hostname">The VM's name.</param>
/// <param name="Removed">The disks that are gone.</param>
/// <param name="Kept">The data disks that are still there.</param>
internal sealed record RemovedHostAnswer(string Hostname, IReadOnlyList<string> Removed, IReadOnlyList<string> Kept)
{
    public static RemovedHostAnswer Of(RemovedHost host) =>
        new(host.Hostname.Text, [.. host.Removed.Select(file => file.Text)], [.. host.Kept.Select(file => file.Text)]);
}

/// <summary>Answers the deletion of a data disk.</summary>
/// <param name="Hostname">The VM's name.</param>
/// <param name="Removed">The disk, which is gone.</param>
internal sealed record RemovedDiskAnswer(string Hostname, IReadOnlyList<string> Removed)
{
    public static RemovedDiskAnswer Of(RemovedDisk disk) => new(disk.Hostname.Text, [disk.Disk.Text]);
}

/// <summary>Answers the deletion of an image.</summary>
/// <param name="Image">The image.</param>
/// <param name="Removed">Its template and copies, which are gone.</param>
internal sealed record RemovedImageAnswer(string Image, IReadOnlyList<string> Removed)
{
    public static RemovedImageAnswer Of(RemovedImage image) => new(image.Image.Text, [.. image.Removed.Select(file => file.Text)]);
}
