using StorageHost.Files.Posix;
using Xunit;

namespace StorageHost.Tests.Files.Posix;

public sealed class MountTableTests
{
    private static readonly string[] Table =
    [
        "22 27 0:21 / /proc rw - proc proc rw",
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard",
        "31 30 0:52 / /data/gluster rw shared:7 master:1 - fuse.glusterfs node1:/vol\\0401 rw",
        "30 27 8:17 / /data rw - xfs /dev/sdb1 rw",
        "32 27 0:60 / /with\\040blank\\134 rw - nfs4 nas:/export rw",
        "34 33 7:0 / /data2 rw - ext4 /dev/loop0 rw",
        "36 27 8:49 / /data2/hidden rw - ext4 /dev/sdd1 rw",
        "33 27 9:0 / /data2 rw - ext4 /dev/md0 rw",
        "35 broken",
    ];

    [Theory]
    [InlineData("/", "254:0")]
    [InlineData("/database/x", "254:0")]
    [InlineData("/data", "8:17")]
    [InlineData("/data/x", "8:17")]
    [InlineData("/data/gluster/a/b", "0:52")]
    [InlineData("/with blank\\/x", "0:60")]
    [InlineData("/data2/x", "7:0")]
    [InlineData("/data2/hidden/x", "7:0")]
    [InlineData("/proc/self", "0:21")]
    public void A_path_lies_on_the_mount_that_the_kernel_would_find(string path, string device) =>
        Assert.Equal(device, MountTable.Covering(Table, path)?.DeviceNumber);

    [Fact]
    public void A_table_that_leads_nowhere_or_in_a_circle_ends()
    {
        Assert.Null(MountTable.Covering([], "/x"));
        Assert.Null(MountTable.Covering(["1 0 8:1 / / rw - ext4 /dev/a rw", "1 1 8:2 / / rw - ext4 /dev/b rw"], "/x"));
    }

    [Fact]
    public void A_mount_is_found_by_its_id() =>
        Assert.Equal(new MountPoint("fuse.glusterfs", "/data/gluster", "node1:/vol 1", "0:52"), MountTable.Find(Table, "31"));

    [Theory]
    [InlineData("rw,relatime", "rw", false)]
    [InlineData("rw,relatime", "rw,errors=remount-ro", false)]
    [InlineData("ro,relatime", "rw", true)] // this mount alone
    [InlineData("rw,relatime", "ro,errors=remount-ro", true)]
    [InlineData("rw,relatime", "rw,emergency_ro", true)] // ext4 after an error
    [InlineData("ro", "", true)]
    public void A_mount_is_read_only_by_its_own_options_or_those_of_its_file_system(string own, string super, bool isReadOnly) =>
        Assert.Equal(isReadOnly, MountTable.IsReadOnly(
            [$"9 1 8:1 / / {(isReadOnly ? "rw" : "ro")} - ext4 /dev/sda rw", $"7 9 8:2 / /x {own} - ext4 /dev/sdb {super}"], "7"));

    [Theory]
    [InlineData("99")]
    [InlineData("35")]
    public void An_id_without_a_whole_line_is_no_mount(string id) => Assert.Null(MountTable.Find(Table, id));

    [Theory]
    [InlineData("/dev/sda1", "/dev/sda1", "sda1")]
    [InlineData("/dev/sda:/dev/sdb:/dev/sdc", "/dev/sda", "sda")]
    [InlineData("/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "disk!by-path!pci-0000:00:1f.2-ata-1")]
    [InlineData("/dev/cciss/c0d0p1", "/dev/cciss/c0d0p1", "cciss!c0d0p1")]
    [InlineData("/elsewhere/sda", "/elsewhere/sda", "sda")]
    public void A_source_names_one_device_or_several(string source, string first, string kernels)
    {
        Assert.Equal(first, MountTable.FirstDevice(source));
        Assert.Equal(kernels, MountTable.SysfsName(first));
    }

    [Fact]
    public void The_kernels_own_table_knows_where_everything_lies()
    {
        using var root = DirectoryHandle.OpenDirectory("/");
        Assert.Equal("/", MountTable.Of(root)?.Path);
        Assert.Equal(MountTable.Of(root)?.DeviceNumber, new MountTable().DeviceOf("/no-such-directory/x"));
        Assert.False(new MountTable().DeviceOf("/") == new MountTable().DeviceOf("/proc/self"));
    }
}
