using StorageHost.Files.Growing;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Disks;
using Xunit;

namespace StorageHost.Tests.Files.Growing;

public sealed class GrowthWriterTests
{
    private static readonly ImageGrowth Longer = new([new GrowthStep(1 << 30, [])], 0);
    private static readonly ImageGrowth InPlace = new([new GrowthStep(null, [new ImageWrite(24, new byte[72])])], 0);

    [Theory]
    [InlineData("fuse.glusterfs", true)]
    [InlineData("xfs", false)]
    public void A_file_that_other_nodes_know_does_not_get_longer(string type, bool isRefused)
    {
        var mount = new MountPoint(type, "/vms", "source", "8:1");
        GrowthWriter.RefuseLonger(mount, InPlace);
        var refused = Record.Exception(() => GrowthWriter.RefuseLonger(mount, Longer));
        Assert.Equal(isRefused ? Refusal.ImageRejected : null, (refused as RefusedException)?.Reason);
    }
}
