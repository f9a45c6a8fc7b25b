using StorageHost.Files.Index;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Index;

public sealed class WatchedDirectoryLogTests
{
    [Fact]
    public async Task Files_that_cannot_be_read_are_counted_and_their_end_is_told()
    {
        var log = new ListLog<WatchedDirectory>();
        using var images = new WatchedImages(log: log) { CannotRead = true };
        images.Write("centos_template.img");
        await images.LookAsync();
        await images.LookAsync();
        images.CannotRead = false;
        await images.LookAsync();
        await images.LookAsync();
        Assert.Equal(
            [
                "Warning: Files in ssd that are named like images and cannot be read: 1. They are not listed",
                "Information: All files in ssd that are named like images can be read again",
            ],
            log.Lines);
    }
}
