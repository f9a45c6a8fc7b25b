using Xunit;
using static StorageHost.Tests.BlockDevices.CannedLsblk;

namespace StorageHost.Tests.BlockDevices;

public sealed class DiskIdTests
{
    [Theory]
    [InlineData("3500253887013e77e", "ata-Samsung_SSD_S21", "wwn-0x500253887013e77e", "scsi-3500253887013e77e")]
    [InlineData("3500253887013e77e", "ata-Samsung_SSD_S21", "wwn-0x500253887013e77e")]
    [InlineData("3500253887013e77e", "scsi-SATA_Samsung_SSD_S21", "scsi-3500253887013e77e", "scsi-0ATA_Samsung_S21")]
    [InlineData("eui.002538b971b06d0e", "nvme-Samsung_SSD_970_S4EW", "nvme-eui.002538b971b06d0e")]
    [InlineData("uuid.63a5d7f0-b2e1-4c40-9a0c-3b0c3d1c1c11", "nvme-Vendor_Disk_1", "nvme-uuid.63a5d7f0-b2e1-4c40-9a0c-3b0c3d1c1c11")]
    public void It_is_the_world_wide_one_that_udev_gives(string id, params string[] links)
    {
        var lsblk = new CannedLsblk();
        lsblk.Links.AddRange(links.Select(link => (link, "sda")));
        lsblk.Links.Add(("scsi-3999", "sdb"));
        Assert.Equal(id, Assert.Single(lsblk.Disks(Device("sda", "8:0", "disk", """ "serial":"S", "wwn":"0xother" """))).Id);
    }

    [Theory]
    [InlineData("disk-1", """ "rota":true """)]
    [InlineData("S1", """ "serial":"S1" """)]
    public void The_number_of_a_virtio_disk_may_stand_in_its_link_alone(string id, string members)
    {
        var lsblk = new CannedLsblk();
        lsblk.Links.Add(("virtio-disk-1", "vda"));
        Assert.Equal(id, Assert.Single(lsblk.Disks(Device("vda", "254:0", "disk", members))).Id);
    }

    [Theory]
    [InlineData("3500253887013e77e", """ "serial":"S21", "wwn":"0x500253887013e77e" """)]
    [InlineData("eui.002538b971b06d0e", """ "serial":"S4EW", "wwn":"eui.002538b971b06d0e" """)]
    [InlineData("350026b7241023fa1", """ "serial":"S4EW", "wwn":"naa.50026b7241023fa1" """)]
    [InlineData("S21", """ "serial":" S21 ", "wwn":null """)]
    [InlineData("sda", """ "serial":"", "wwn":"", "vendor":null, "model":null """)]
    [InlineData("sda", """ "rota":true """)]
    public void Without_udev_it_is_what_lsblk_knows(string id, string members)
    {
        var disk = Assert.Single(new CannedLsblk().Disks(Device("sda", "8:0", "disk", members)));
        Assert.Equal(id, disk.Id);
        Assert.Equal(("", ""), (disk.Vendor, disk.Model));
    }
}
