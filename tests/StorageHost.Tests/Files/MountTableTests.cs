using StorageHost.Files;
using Xunit;

namespace StorageHost.Tests.Files;

public sealed class MountTableTests
{
    private static readonly string[] Lines =
    [
        "22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw",
        "28 1 254:1 / / rw,relatime shared:1 master:2 - ext4 /dev/vda1 rw,discard",
        "41 28 0:35 / /srv/images rw,relatime shared:23 - fuse.glusterfs node1:/vmimages rw,user_id=0,group_id=0",
        "42 28 8:17 /sub/dir /srv/with\\040space\\011tab\\134040 rw - xfs /dev/mapper/vg-my\\040lv rw,attr2",
        "410 28 0:36 / /other rw - tmpfs none rw",
        "43 28 0:36",
        "44 28 0:36 / /broken rw shared:1 -",
    ];

    [Theory]
    [InlineData("28", "ext4", "/", "/dev/vda1")]
    [InlineData("41", "fuse.glusterfs", "/srv/images", "node1:/vmimages")]
    [InlineData("42", "xfs", "/srv/with space\ttab\\040", "/dev/mapper/vg-my lv")]
    [InlineData("410", "tmpfs", "/other", "none")]
    public void A_line_tells_type_place_and_source(string id, string type, string path, string source) =>
        Assert.Equal(new MountPoint(type, path, source), MountTable.Find(Lines, id));

    [Theory]
    [InlineData("4")]
    [InlineData("99")]
    [InlineData("43")]
    [InlineData("44")]
    public void A_mount_that_the_table_does_not_show_is_not_guessed_at(string id) => Assert.Null(MountTable.Find(Lines, id));

    [Fact]
    public void An_open_file_lies_on_the_mount_that_the_system_says()
    {
        using var file = File.OpenHandle("/proc/version");
        Assert.Equal(("proc", "/proc"), (MountTable.Of(file)!.FileSystemType, MountTable.Of(file)!.Path));
    }
}
