using StorageHost.ImageStorages;
using Xunit;
using static StorageHost.Tests.BlockDevices.CannedLsblk;

namespace StorageHost.Tests.BlockDevices;

public sealed class DeviceGraphTests
{
    private readonly CannedLsblk lsblk = new();

    [Fact]
    public void A_disk_has_its_strings_without_their_padding_and_the_numbers_of_its_partitions()
    {
        var disk = Assert.Single(lsblk.Disks(Device(
            "sdb", "8:16", "disk", """ "vendor":"ATA     ", "model":"Samsung ", "serial":"S21", "wwn":"0x500253887013e77e" """,
            Device("sdb1", "8:17", "part"), Device("sdb2", "8:18", "part"))));
        Assert.Equal(("3500253887013e77e", "ATA", "Samsung", "/dev/sdb"), (disk.Id, disk.Vendor, disk.Model, disk.Path));
        Assert.Equal(["8:16", "8:17", "8:18"], Sorted(disk));
    }

    [Fact]
    public void A_logical_volume_over_two_disks_belongs_to_both()
    {
        var disks = lsblk.Disks(
            Device("sda", "8:0", "disk", "", Device("sda1", "8:1", "part", "", Device("dm-0", "253:0", "lvm"))),
            Device("sdb", "8:16", "disk", "", Device("dm-0", "253:0", "lvm"), Device("dm-1", "253:1", "lvm")));
        Assert.Equal(["253:0", "8:0", "8:1"], Sorted(disks[0]));
        Assert.Equal(["253:0", "253:1", "8:16"], Sorted(disks[1]));
    }

    [Fact]
    public void What_is_on_a_mirror_belongs_to_both_halves_even_if_it_is_shown_under_one()
    {
        var disks = lsblk.Disks(
            Device("sda", "8:0", "disk", "", Device("md0", "9:0", "raid1", "", Device("md0p1", "259:0", "part"))),
            Device("sdb", "8:16", "disk", "", Device("md0", "9:0", "raid1")));
        Assert.Equal(["259:0", "8:0", "9:0"], Sorted(disks[0]));
        Assert.Equal(["259:0", "8:16", "9:0"], Sorted(disks[1]));
    }

    [Fact]
    public void The_paths_of_a_multipath_disk_are_one_disk()
    {
        const string Same = """ "wwn":"0x600a098000a1", "vendor":"NETAPP" """;
        var mpath = Device("dm-2", "253:2", "mpath", "", Device("dm-3", "253:3", "part")).Replace("/dev/dm-2", "/dev/mapper/mpatha", StringComparison.Ordinal);
        var disks = lsblk.Disks(Device("sda", "8:0", "disk", Same, mpath), Device("sdb", "8:16", "disk", Same, mpath), Device("sdc", "8:32", "disk"));
        Assert.Equal(2, disks.Count);
        Assert.Equal(("3600a098000a1", "NETAPP", "/dev/mapper/mpatha"), (disks[0].Id, disks[0].Vendor, disks[0].Path));
        Assert.Equal(["253:2", "253:3", "8:0", "8:16"], Sorted(disks[0]));
        Assert.Equal("sdc", disks[1].Id);
    }

    [Fact]
    public void A_loop_device_belongs_to_the_disk_that_its_file_lies_on_and_so_does_what_is_on_it()
    {
        lsblk.Mounts["/"] = "8:1";
        lsblk.Mounts["/nested"] = "253:9";
        lsblk.Mounts["/nfs"] = "0:52";
        lsblk.LoopFiles["loop0"] = "/var/a.img";
        lsblk.LoopFiles["loop1"] = "/nested/b.img";
        lsblk.LoopFiles["loop2"] = "/nfs/c.img";
        lsblk.LoopFiles["loop3"] = "/nested/on-itself.img";
        lsblk.Mounts["/nested/on-itself.img"] = "7:3";
        var disks = lsblk.Disks(
            Device("loop1", "7:1", "loop"),
            Device("loop2", "7:2", "loop"),
            Device("loop3", "7:3", "loop"),
            Device("loop0", "7:0", "loop", "", Device("dm-9", "253:9", "lvm")),
            Device("sda", "8:0", "disk", "", Device("sda1", "8:1", "part")),
            Device("sdb", "8:16", "disk"));
        Assert.Equal(["253:9", "7:0", "7:1", "8:0", "8:1"], Sorted(disks[0]));
        Assert.Equal(["8:16"], Sorted(disks[1]));
    }

    [Fact]
    public void What_is_no_disk_of_this_node_is_left_out()
    {
        var disks = lsblk.Disks(
            Device("zram0", "253:0", "disk"),
            Device("ram0", "1:0", "disk"),
            Device("nbd0", "43:0", "disk"),
            Device("rbd0", "252:0", "disk"),
            Device("fd0", "2:0", "disk"),
            Device("sr0", "11:0", "rom"),
            Device("loop7", "7:7", "loop"),
            Device("sdz", "65:144", "disk").Replace("250059350016", "0", StringComparison.Ordinal),
            Device("sda", "8:0", "disk", "", Device("drbd0", "147:0", "disk")));
        Assert.Equal(["sda"], disks.Select(disk => disk.Id).ToArray());
        Assert.Equal(["147:0", "8:0"], Sorted(disks[0]));
    }

    [Fact]
    public void An_id_that_two_disks_claim_is_the_id_of_neither()
    {
        var disks = lsblk.Disks(
            Device("sda", "8:0", "disk", """ "serial":"000000000001" """),
            Device("sdb", "8:16", "disk", """ "serial":"000000000001" """),
            Device("sdc", "8:32", "disk", """ "serial":"000000000002" """));
        Assert.Equal(["sda", "sdb", "000000000002"], disks.Select(disk => disk.Id).ToArray());
    }

    private static string[] Sorted(PhysicalDisk disk) => [.. disk.DeviceNumbers.Order(StringComparer.Ordinal)];
}
