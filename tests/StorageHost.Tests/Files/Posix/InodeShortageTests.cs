using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Ports;
using Xunit;

namespace StorageHost.Tests.Files.Posix;

public sealed class InodeShortageTests
{
    private const int Block = 4096;

    [Theory]
    [InlineData(96, 0, 256, true)]
    [InlineData(5376, 63, 256, true)] // XFS makes 64 at once
    [InlineData(5376, 64, 256, false)]
    [InlineData(96, 0, 255, false)] // less than 1 MiB: room may be what is lacking
    [InlineData(0, 0, 256, false)] // btrfs makes inodes as it needs them
    public void Inodes_are_short_where_room_is_left_and_hardly_an_inode(ulong inodes, ulong left, ulong blocks, bool isShort)
    {
        var stat = new VolumeStat { FragmentSize = Block, BlocksAvailable = blocks, Inodes = inodes, InodesAvailable = left };
        var shortage = InodeShortage.Of(stat);
        Assert.Equal(isShort ? new InodeShortage((long)left, (long)inodes, 1 << 20) : null, shortage);
    }

    [Fact]
    public void The_refusal_names_inodes_and_room()
    {
        var failure = new StorageException("open", "web01.qcow2", Errno.NoSpace) { Inodes = new InodeShortage(0, 96, 280 << 20) };
        var refused = StorageFaults.Refuse(failure);
        Assert.Equal(
            (Refusal.NoSpace, "the volume has no inode for another file: 0 of 96 inodes are left, while 280 MB are free"),
            (refused.Reason, refused.Message));
    }

    [Theory]
    [InlineData(5, "the volume is full: 3 of 413 MB are free, 20 MB are the reserve")]
    [InlineData(0, "the volume is full: 3 of 413 MB are free")]
    [InlineData(null, "the volume is full")]
    public void The_refusal_for_want_of_room_names_what_is_free_and_the_reserve(int? percent, string message)
    {
        var failure = new StorageException("write", "web01_storage_5G", Errno.NoSpace) { ReservePercent = percent ?? 5 };
        failure.Space = percent is null ? null : new VolumeSpace(413 << 20, (3 << 20) + 4096);
        var refused = StorageFaults.Refuse(failure);
        Assert.Equal((Refusal.NoSpace, message), (refused.Reason, refused.Message));
    }

    [Fact]
    public void Only_a_failure_for_want_of_room_is_asked_about()
    {
        using var store = new Store();
        using var mount = store.Open();
        var full = new StorageException("open", "web01.qcow2", Errno.NoSpace);
        var other = new StorageException("open", "web01.qcow2", Errno.ReadOnly);
        mount.Explain(full, 5);
        mount.Explain(other, 5);
        Assert.Equal((null, null), (full.Inodes, other.Inodes));
        Assert.Equal((true, 5, null), (full.Space?.TotalBytes > 0, full.ReservePercent, other.Space));
    }
}
