using StorageHost.Files.Index;
using StorageHost.Files.Posix;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Index;

public sealed class MultiLinkedDisksTests : IDisposable
{
    private readonly ManualTimeProvider time = new();
    private readonly WatchedImages images = new();
    private readonly MultiLinkedDisks disks;

    public MultiLinkedDisksTests() => disks = new MultiLinkedDisks(time);

    public void Dispose() => images.Dispose();

    [Fact]
    public void Only_a_disk_that_has_had_two_names_for_long_is_told_of()
    {
        Assert.Empty(disks.Take(["b", "a"]));
        time.Advance(TimeSpan.FromSeconds(19));
        Assert.Empty(disks.Take(["a", "b", "c"]));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["a", "b"], disks.Take(["c", "b", "a"]));
    }

    [Fact]
    public void A_disk_that_has_one_name_again_begins_anew()
    {
        disks.Take(["a"]);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(disks.Take([]));
        Assert.Empty(disks.Take(["a"]));
    }

    [Fact]
    public async Task Templates_copies_and_files_of_others_may_have_many_names_and_disks_may_not()
    {
        foreach (var name in (string[])["centos_template.img", "centos_dup_1_ready", "notes", "web01.qcow2", "web01_storage_5G", "web02.qcow2"])
        {
            images.Write(name);
            if (name != "web02.qcow2")
            {
                using var mount = new DirectoryHandle(DirectoryHandle.OpenDirectory(images.Path));
                using var file = mount.Open(name);
                Assert.Equal(LinkOutcome.Linked, mount.Link(name, file, $"second-{name}-name"));
            }
        }

        using var opened = new DirectoryHandle(DirectoryHandle.OpenDirectory(images.Path));
        using var pass = new IndexPass(ImageIndex.Empty, images.Reader, opened, images.Path);
        Assert.True(pass.Advance(() => false));
        Assert.Equal("web01.qcow2 web01_storage_5G", string.Join(' ', pass.MultiLinked.Order(StringComparer.Ordinal)));
        Assert.Empty((await images.LookAsync()).MultiLinked);
    }
}
