using System.Text.RegularExpressions;

namespace StorageHost.BlockDevices;

/// <summary>
/// Tells physical disks by the kernel's names. It knows what is one: for lsblk a zvol, a DRBD or ublk device, a RAM disk, an eMMC boot
/// partition and what is to be invented next are of type <c>disk</c> too.
/// </summary>
internal static partial class PhysicalName
{
    /// <summary>Whether the kernel gives such a name to a disk of this node.</summary>
    public static bool Is(string kname) => Known().IsMatch(kname);

    // In order: SCSI, SATA and USB; IDE; virtio; Xen, which names a whole disk xvda1 too; DASD; storage-class memory; Micron; Fusion-io;
    // NVMe, but not nvme0c1n1, which is a path to one; MMC and SD; persistent memory; HP Smart Array.
    [GeneratedRegex(
        "^(sd[a-z]+|hd[a-z]+|vd[a-z]+|xvd[a-z]+[0-9]*|dasd[a-z]+|scm[a-z]+|rssd[a-z]+|fio[a-z]+|"
        + "nvme[0-9]+n[0-9]+|mmcblk[0-9]+|pmem[0-9.]+s?|(cciss|ida)[/!]c[0-9]+d[0-9]+)\\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Known();
}
