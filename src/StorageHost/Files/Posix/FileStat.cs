using StorageHost.Images.Templates;

namespace StorageHost.Files.Posix;

/// <summary>What stat says of a file.</summary>
/// <param name="Kind">The type bits of st_mode.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="AllocatedBytes">What it takes on the volume.</param>
/// <param name="Device">The device, major and minor.</param>
/// <param name="Fingerprint">Size, modification time and inode.</param>
internal readonly record struct FileStat(int Kind, uint Links, long AllocatedBytes, ulong Device, Fingerprint Fingerprint)
{
    private const int TypeMask = 0xf000;
    private const int RegularType = 0x8000;

    public bool IsRegular => Kind == RegularType;

    public ulong Inode => Fingerprint.Inode;

    internal static FileStat From(in StatX stat) => new(
        stat.Mode & TypeMask,
        stat.Links,
        (long)stat.Blocks * 512,
        ((ulong)stat.DeviceMajor << 32) | stat.DeviceMinor,
        new Fingerprint((long)stat.Size, (stat.ModifiedSeconds * 1_000_000_000) + stat.ModifiedNanoseconds, stat.Inode));
}
