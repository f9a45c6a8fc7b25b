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

    [Theory]
    [InlineData("zd0")]
    [InlineData("zd160")]
    [InlineData("drbd1000")]
    [InlineData("ublkb0")]
    [InlineData("zram0")]
    [InlineData("ram0")]
    [InlineData("nbd0")]
    [InlineData("rbd0")]
    [InlineData("rnbd0")]
    [InlineData("fd0")]
    [InlineData("nullb0")]
    [InlineData("bcache0")]
    [InlineData("mtdblock0")]
    [InlineData("mmcblk0boot0")]
    [InlineData("mmcblk0rpmb")]
    [InlineData("mmcblk0gp1")]
    [InlineData("nvme0c1n1")]
    [InlineData("sr0")]
    [InlineData("sda1")]
    [InlineData("sd")]
    [InlineData("xsda")]
    [InlineData("scinia")]
    [InlineData("pxd/pxd1")]
    public void What_the_kernel_makes_of_something_else_is_no_disk_of_this_node(string kname) =>
        Assert.Empty(lsblk.Disks(Device(kname, "250:0", "disk", """ "serial":"S", "wwn":"0x5000c500a0000001" """)));

    [Theory]
    [InlineData("sda")]
    [InlineData("sdaab")]
    [InlineData("hdc")]
    [InlineData("vda")]
    [InlineData("xvda")]
    [InlineData("xvda1")]
    [InlineData("nvme0n1")]
    [InlineData("nvme12n34")]
    [InlineData("mmcblk1")]
    [InlineData("dasda")]
    [InlineData("pmem0")]
    [InlineData("pmem0.1s")]
    [InlineData("cciss/c0d1")]
    public void What_a_driver_of_disks_names_is_one(string kname)
    {
        Assert.Equal($"/dev/{kname}", Assert.Single(lsblk.Disks(Device(kname, "250:0", "disk"))).Path);
        Assert.Single(lsblk.Disks(Device(kname, "250:0", "rbc")));
        Assert.Empty(lsblk.Disks(Device(kname, "250:0", "rom")));
        Assert.Empty(lsblk.Disks(Device(kname, "250:0", "loop")));
    }

    [Fact]
    public void An_empty_card_reader_is_no_disk_and_what_is_built_on_a_disk_belongs_to_it_whatever_it_is()
    {
        var disks = lsblk.Disks(
            Device("sdz", "65:144", "disk").Replace("250059350016", "0", StringComparison.Ordinal),
            Device("sda", "8:0", "disk", "", Device("drbd0", "147:0", "disk")));
        Assert.Equal(["147:0", "8:0"], Sorted(Assert.Single(disks)));
    }

    [Fact]
    public void Of_a_machine_with_many_kinds_only_the_disks_are_listed()
    {
        // sdx is empty, and sdy and sdz have the same number of a cheap enclosure.
        var disks = lsblk.DisksIn(Text("zvols-and-others"));
        Assert.Equal(["35002538e00000001", "eui.0000000000000001", "sdy", "sdz"], disks.Select(disk => disk.Id).ToArray());
    }

    [Theory]
    [InlineData("bcache")]
    [InlineData("crypt")]
    [InlineData("lvm-thin")]
    [InlineData("lvm-cache")]
    public void A_volume_is_found_through_what_lies_between(string stack)
    {
        var volume = Device("dm-9", "253:9", "lvm");
        string[] devices = stack switch
        {
            "bcache" =>
            [
                Device("sda", "8:0", "disk", "", Device("sda1", "8:1", "part", "", Device("bcache0", "252:0", "disk", "", volume))),
                Device("nvme0n1", "259:0", "disk", "", Device("bcache0", "252:0", "disk", "", volume)),
            ],
            "crypt" =>
            [
                Device("sda", "8:0", "disk", "", Device("dm-0", "253:0", "crypt", "", Device("md0", "9:0", "raid1", "", volume))),
                Device("sdb", "8:16", "disk", "", Device("dm-1", "253:1", "crypt", "", Device("md0", "9:0", "raid1"))),
            ],
            "lvm-thin" =>
            [
                Device("sda", "8:0", "disk", "", Device("dm-0", "253:0", "lvm", "", Device("dm-2", "253:2", "lvm", "", volume))),
                Device("sdb", "8:16", "disk", "", Device("dm-1", "253:1", "lvm", "", Device("dm-2", "253:2", "lvm", "", volume))),
            ],
            _ =>
            [
                Device("sda", "8:0", "disk", "", Device("dm-0", "253:0", "lvm", "", volume)),
                Device("nvme0n1", "259:0", "disk", "", Device("dm-1", "253:1", "lvm", "", volume), Device("dm-2", "253:2", "lvm", "", volume)),
            ],
        };
        var disks = lsblk.Disks(devices);
        Assert.Equal(2, disks.Count);
        Assert.All(disks, disk => Assert.Contains("253:9", disk.DeviceNumbers));
    }

    [Fact]
    public void A_file_system_on_several_devices_belongs_to_all_their_disks_and_to_no_other()
    {
        lsblk.FileSystems.Add(["sda2", "sdb2", "gone"]);
        var disks = lsblk.Disks(
            Device("sda", "8:0", "disk", "", Device("sda1", "8:1", "part"), Device("sda2", "8:2", "part")),
            Device("sdb", "8:16", "disk", "", Device("sdb1", "8:17", "part"), Device("sdb2", "8:18", "part")),
            Device("sdc", "8:32", "disk"));
        Assert.Equal(["8:0", "8:1", "8:18", "8:2"], Sorted(disks[0]));
        Assert.Equal(["8:16", "8:17", "8:18", "8:2"], Sorted(disks[1]));
        Assert.Equal(["8:32"], Sorted(disks[2]));
    }

    [Fact]
    public void Paths_that_nobody_has_joined_are_one_disk_by_its_World_Wide_Name()
    {
        const string Same = """ "wwn":"0x600a098000a1", "serial":"A1", "tran":"sas" """;
        const string Enclosure = """ "wwn":"0x5000000000000001", "serial":"1", "tran":"usb" """;
        var disks = lsblk.Disks(
            Device("sda", "8:0", "disk", Same, Device("sda1", "8:1", "part")),
            Device("sdb", "8:16", "disk", Same, Device("sdb1", "8:17", "part")),
            Device("nvme0n1", "259:0", "disk", """ "wwn":"eui.01", "serial":"N1", "tran":"nvme" """),
            Device("nvme0c0n1", "259:1", "disk", """ "wwn":"eui.01", "serial":"N1", "tran":"nvme" """),
            Device("nvme1n1", "259:2", "disk", """ "wwn":"eui.01", "serial":"N1", "tran":"nvme" """),
            Device("nvme1n2", "259:3", "disk", """ "wwn":"eui.02", "serial":"N1", "tran":"nvme" """),
            Device("sdc", "8:32", "disk", Enclosure),
            Device("sdd", "8:48", "disk", Enclosure));
        Assert.Equal(["3600a098000a1", "eui.01", "eui.02", "sdc", "sdd"], disks.Select(disk => disk.Id).ToArray());
        Assert.Equal(["8:0", "8:1", "8:16", "8:17"], Sorted(disks[0]));
    }

    [Fact]
    public void A_World_Wide_Name_alone_joins_nothing()
    {
        var disks = lsblk.Disks(Device("sda", "8:0", "disk", """ "wwn":"0x600a0980" """), Device("sdb", "8:16", "disk", """ "wwn":"0x600a0980" """));
        Assert.Equal(["sda", "sdb"], disks.Select(disk => disk.Id).ToArray());
    }

    [Fact]
    public void The_links_of_a_multipath_disk_lead_to_its_multipath_device()
    {
        lsblk.Links.Add(("dm-uuid-mpath-3600a098000a1", "dm-2"));
        lsblk.Links.Add(("dm-name-mpatha", "dm-2"));
        var mpath = Device("dm-2", "253:2", "mpath");
        var disks = lsblk.Disks(Device("sda", "8:0", "disk", "", mpath), Device("sdb", "8:16", "disk", "", mpath));
        Assert.Equal("3600a098000a1", Assert.Single(disks).Id);
    }

    [Fact]
    public void A_disk_that_is_listed_twice_is_one()
    {
        var disks = lsblk.Disks(Device("sda", "8:0", "disk", "", Device("sda1", "8:1", "part")), Device("sda", "8:0", "disk", "", Device("sda2", "8:2", "part")));
        Assert.Equal(["8:0", "8:1", "8:2"], Sorted(Assert.Single(disks)));
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
