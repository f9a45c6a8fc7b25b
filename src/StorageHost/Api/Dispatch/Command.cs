using StorageHost.Images.Names;

namespace StorageHost.Api.Dispatch;

/// <summary>A request on <c>/</c> that was read and found valid. As text it is what the audit line says.</summary>
internal abstract record Command;

/// <summary>GET images.</summary>
internal sealed record ListImages : Command
{
    public override string ToString() => Wire.Images;
}

/// <summary>POST dup.</summary>
internal sealed record SetLevels(IReadOnlyDictionary<ImageName, int> Levels) : Command
{
    public override string ToString() => $"{Wire.Dup} {string.Join(' ', Levels.Select(level => $"{level.Key}={level.Value}"))}";
}

/// <summary>
/// POST setimage; the key is what the caller calls the request, null when nothing; the size in GiB, null for the template's.
/// </summary>
internal sealed record SetImage(ImageName Image, Hostname Hostname, string? Key = null, int? SizeGb = null) : Command
{
    public override string ToString() => $"{Wire.SetImage} {Image} {Hostname}{(SizeGb is { } size ? $" {Wire.Size} {size}" : "")}";
}

/// <summary>POST addstorage; the key as in <see cref="SetImage"/>.</summary>
internal sealed record AddStorage(Hostname Hostname, int SizeGb, string? Key = null) : Command
{
    public override string ToString() => $"{Wire.AddStorage} {Hostname} {SizeGb}";
}

/// <summary>DELETE host.</summary>
internal sealed record DeleteHost(Hostname Hostname, bool Purge) : Command
{
    public override string ToString() => $"delete {Wire.Host} {Hostname}{(Purge ? $" {Wire.Purge}" : "")}";
}

/// <summary>DELETE disk.</summary>
internal sealed record DeleteDisk(DataDiskEntry Disk) : Command
{
    public override string ToString() => $"delete {Wire.Disk} {Disk.File}";
}

/// <summary>DELETE image.</summary>
internal sealed record DeleteImage(ImageName Image) : Command
{
    public override string ToString() => $"delete {Wire.Image} {Image}";
}
