using System.Text;
using Moq;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Removing;

public sealed class RemoverTests : IAsyncLifetime
{
    private readonly Store store = new();
    private readonly Mock<IImageInspector> inspector = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync()
    {
        // A file that begins with "on:" is a linked clone of what it names.
        inspector.Setup(port => port.Inspect(It.IsAny<IHeaderSource>())).Returns((IHeaderSource source) =>
        {
            var head = new byte[100];
            var text = Encoding.ASCII.GetString(head, 0, source.Read(0, head));
            return new ImageHeader(ImageFormat.Qcow2, 1, text.StartsWith("on:", StringComparison.Ordinal) ? text[3..] : null, null);
        });
        daemon = await Daemon.StartAsync(store, inspector.Object);
        foreach (var name in new[] { "web01.qcow2", "web01_storage_5G", "web01_storage_5G_1", "web01_storage_10G", "web01.bak", "web011.qcow2", "web0.qcow2", "web011_storage_5G" })
        {
            store.Write(name, 1);
        }
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task A_host_loses_its_system_disk_and_keeps_its_data()
    {
        var removed = await RemoveHostAsync();
        Assert.Equal("web01.qcow2", string.Join(' ', removed.Removed));
        Assert.Equal("web01_storage_10G web01_storage_5G web01_storage_5G_1", string.Join(' ', removed.Kept));
        Assert.Equal("web0.qcow2 web01.bak web011.qcow2 web011_storage_5G web01_storage_10G web01_storage_5G web01_storage_5G_1", store.Names);
    }

    [Fact]
    public async Task A_purge_takes_the_data_too_and_nothing_of_others()
    {
        var removed = await RemoveHostAsync(purge: true);
        Assert.Equal("web01.qcow2 web01_storage_10G web01_storage_5G web01_storage_5G_1", string.Join(' ', removed.Removed));
        Assert.Empty(removed.Kept);
        Assert.Equal("web0.qcow2 web01.bak web011.qcow2 web011_storage_5G", store.Names);
    }

    [Fact]
    public async Task A_host_without_a_system_disk_is_not_found_unless_its_data_is_purged()
    {
        File.Delete(store["web01.qcow2"]);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => RemoveHostAsync());
        Assert.Equal((Refusal.HostNotFound, true), (refused.Reason, refused.Message.Contains("purge", StringComparison.Ordinal)));
        Assert.Equal(3, (await RemoveHostAsync(purge: true)).Removed.Count);
        Assert.Equal(Refusal.HostNotFound, (await Assert.ThrowsAsync<RefusedException>(() => RemoveHostAsync(purge: true))).Reason);
    }

    [Theory]
    [InlineData("web01_storage_5G")]
    [InlineData("web01_storage_5G_1")]
    public async Task One_data_disk_goes_and_nothing_else_of_its_host(string disk)
    {
        var before = store.Names.Split(' ');
        var removed = await RemoveDiskAsync(disk);
        Assert.Equal((Sample.Web01, disk), (removed.Hostname, removed.Disk.Text));
        Assert.Equal(string.Join(' ', before.Where(name => name != disk)), store.Names);
        Assert.Equal((Refusal.DiskNotFound, $"{disk} does not exist"), await RefusalAsync(disk));
    }

    [Fact]
    public async Task A_data_disk_that_is_in_use_is_kept()
    {
        var before = store.Names;
        using (NativeCalls.OpenAsQemu(store["web01_storage_5G"]))
        {
            Assert.Equal(Refusal.DiskInUse, (await RefusalAsync("web01_storage_5G")).Reason);
        }

        Assert.Equal(before, store.Names);
        await RemoveDiskAsync("web01_storage_5G");
    }

    [Theory]
    [InlineData("web01.qcow2", false)]
    [InlineData("web01.qcow2", true)]
    [InlineData("web01_storage_5G_1", true)]
    public async Task Nothing_is_deleted_when_any_of_it_is_in_use(string inUse, bool purge)
    {
        var before = store.Names;
        using (NativeCalls.OpenAsQemu(store[inUse]))
        {
            var refused = await Assert.ThrowsAsync<RefusedException>(() => RemoveHostAsync(purge));
            Assert.Equal((Refusal.DiskInUse, true), (refused.Reason, refused.Message.StartsWith(inUse + " ", StringComparison.Ordinal)));
        }

        Assert.Equal(before, store.Names);
        await RemoveHostAsync(purge);
    }

    [Fact]
    public async Task Who_opened_a_disk_before_it_was_deleted_can_lock_it_only_much_later()
    {
        using var mount = store.Open();
        using var qemu = mount.Open("web01.qcow2", Syscalls.ReadWrite);
        await RemoveHostAsync();
        Assert.True(OfdLocks.IsLockedByOthers(qemu, "web01.qcow2"));
        daemon.Clock.Advance(TimeSpan.FromSeconds(1.9));
        await daemon.ThreadsAreFreeAsync();
        Assert.True(OfdLocks.IsLockedByOthers(qemu, "web01.qcow2"));
        daemon.Clock.Advance(TimeSpan.FromSeconds(0.1));
        await Eventually.HoldsAsync(() => !OfdLocks.IsLockedByOthers(qemu, "web01.qcow2"));
    }

    [Fact]
    public async Task Of_many_deletions_at_once_one_has_deleted_the_disk()
    {
        for (var round = 0; round < 20; round++)
        {
            store.Write("web01.qcow2", 1);
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Record.ExceptionAsync(() => RemoveHostAsync())));
            Assert.Single(outcomes, outcome => outcome is null);
            Assert.All(outcomes.OfType<Exception>(), outcome => Assert.Equal(Refusal.HostNotFound, Assert.IsType<RefusedException>(outcome).Reason));
        }
    }

    [Fact]
    public async Task What_another_deletion_holds_is_in_use_when_it_takes_too_long()
    {
        using var mount = store.Open();
        using (var other = mount.Open("web01.qcow2", Syscalls.ReadWrite))
        {
            Assert.True(mount.Locks.TryKeepAllOut(other, "web01.qcow2"));
            Assert.Equal(Refusal.DiskInUse, (await Assert.ThrowsAsync<RefusedException>(() => RemoveHostAsync())).Reason);
        }

        await RemoveHostAsync();
    }

    [Fact]
    public async Task A_template_that_is_being_replaced_is_not_deleted_and_loses_nothing()
    {
        await WriteImagesAsync();
        var before = store.Names;
        using var mount = store.Open();
        using (LockFile.TryAcquire(mount, LockFile.OfTemplate(Sample.Image("cent"))))
        {
            var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.RemoveImageAsync(Sample.Image("cent"), CancellationToken.None));
            Assert.Equal((Refusal.JobConflict, before), (refused.Reason, store.Names));
            Assert.Equal(2, (await daemon.Images.ScanAsync(CancellationToken.None)).Levels.Count);
        }

        await daemon.Remover.RemoveImageAsync(Sample.Image("cent"), CancellationToken.None);
        Assert.False(store.Has(LockFile.OfTemplate(Sample.Image("cent"))));
    }

    [Fact]
    public async Task After_a_deletion_that_failed_a_guest_can_have_the_disk_at_once()
    {
        using var mount = store.Open();
        File.Delete(store["web01_storage_10G"]);
        Directory.CreateDirectory(store["web01_storage_10G"]);
        await Assert.ThrowsAsync<RefusedException>(() => RemoveHostAsync(purge: true));
        using var qemu = mount.Open("web01.qcow2", Syscalls.ReadWrite);
        Assert.False(OfdLocks.IsLockedByOthers(qemu, "web01.qcow2"));
    }

    [Fact]
    public async Task Data_that_is_in_use_does_not_keep_the_system_disk()
    {
        using var qemu = NativeCalls.OpenAsQemu(store["web01_storage_5G"]);
        await RemoveHostAsync();
        Assert.False(store.Has("web01.qcow2"));
    }

    [Fact]
    public async Task A_symbolic_link_is_left_alone()
    {
        File.Delete(store["web01_storage_5G"]);
        File.CreateSymbolicLink(store["web01_storage_5G"], store["web011.qcow2"]);
        var before = store.Names;
        Assert.Equal(Refusal.ImageRejected, (await Assert.ThrowsAsync<RefusedException>(() => RemoveHostAsync(purge: true))).Reason);
        Assert.Equal(before, store.Names);
    }

    [Fact]
    public async Task An_image_goes_with_its_copies_and_its_level_and_no_other_image_does()
    {
        await WriteImagesAsync();
        var removed = await daemon.Remover.RemoveImageAsync(Sample.Image("cent"), CancellationToken.None);
        Assert.Equal("cent_template.img cent_dup_2_ready cent_dup_10_ready", string.Join(' ', removed.Removed));
        Assert.Equal("centos_dup_1_ready centos_template.img", string.Join(' ', store.Names.Split(' ').Where(name => name.StartsWith("cent", StringComparison.Ordinal))));
        Assert.Equal(Sample.Centos, Assert.Single((await daemon.Images.ScanAsync(CancellationToken.None)).Levels).Key);
    }

    [Theory]
    [InlineData("clone.qcow2", "on:cent_template.img")]
    [InlineData("clone_storage_5G", "on:./cent_template.img")]
    [InlineData("clone.qcow2", "on:gluster://gn1/images/cent_template.img")]
    [InlineData("clone.qcow2", "on:json:{\"file.filename\":\"/mnt/other/cent_template.img\"}")]
    [InlineData("debian12_template.img", "on:cent_template.img")]
    public async Task A_template_that_linked_clones_depend_on_is_kept(string clone, string content)
    {
        await WriteImagesAsync();
        store.Write(clone, Encoding.ASCII.GetBytes(content));
        var before = store.Names;
        var cent = Sample.Image("cent");
        Assert.Equal(Refusal.ImageInUse, (await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.CheckImageAsync(cent, CancellationToken.None))).Reason);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.RemoveImageAsync(cent, CancellationToken.None));
        Assert.Equal((Refusal.ImageInUse, true), (refused.Reason, refused.Message.Contains(clone, StringComparison.Ordinal)));
        Assert.Equal(before, store.Names);
        await daemon.Remover.CheckImageAsync(Sample.Centos, CancellationToken.None);
    }

    [Theory]
    [InlineData("clone.qcow2", true, 20, false)]
    [InlineData("clone.qcow2", true, 1000, true)]
    [InlineData("clone.qcow2", false, 20, true)]
    [InlineData("debian12_template.img", true, 20, true)]
    public async Task What_a_guest_writes_into_a_disk_that_was_published_raw_makes_no_clone_of_it(string name, bool isRaw, int length, bool isClone)
    {
        await WriteImagesAsync();
        store.Write(name, Encoding.ASCII.GetBytes("on:cent_template.img"));
        using (var file = File.OpenHandle(store[name], access: FileAccess.ReadWrite))
        {
            PublishedFormat.Write(file, name, isRaw ? ImageFormat.Raw : ImageFormat.Qcow2, length);
        }

        var refused = await Record.ExceptionAsync(() => daemon.Remover.CheckImageAsync(Sample.Image("cent"), CancellationToken.None));
        Assert.Equal(isClone ? Refusal.ImageInUse : null, (refused as RefusedException)?.Reason);
    }

    [Fact]
    public async Task A_template_that_is_in_use_is_kept_with_its_copies()
    {
        await WriteImagesAsync();
        var before = store.Names;
        using var qemu = NativeCalls.OpenAsQemu(store["cent_template.img"]);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.RemoveImageAsync(Sample.Image("cent"), CancellationToken.None));
        Assert.Equal((Refusal.DiskInUse, before), (refused.Reason, store.Names));
        Assert.Equal(2, (await daemon.Images.ScanAsync(CancellationToken.None)).Levels.Count);
    }

    [Fact]
    public async Task A_template_goes_only_after_its_level()
    {
        await WriteImagesAsync();
        var before = store.Names;
        File.Delete(store[".storagehost/levels/cent"]);
        Directory.CreateDirectory(store[".storagehost/levels/cent"]);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.RemoveImageAsync(Sample.Image("cent"), CancellationToken.None));
        Assert.Equal((Refusal.StorageUnavailable, before), (refused.Reason, store.Names));
    }

    [Fact]
    public async Task An_image_without_a_template_is_not_found_and_its_copies_stay()
    {
        await WriteImagesAsync();
        File.Delete(store["cent_template.img"]);
        var before = store.Names;
        var refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.Remover.RemoveImageAsync(Sample.Image("cent"), CancellationToken.None));
        Assert.Equal((Refusal.ImageNotFound, before), (refused.Reason, store.Names));
    }

    [Fact]
    public async Task Who_has_left_deletes_nothing()
    {
        var before = store.Names;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => daemon.Remover.RemoveHostAsync(Sample.Web01, true, new CancellationToken(canceled: true)));
        Assert.Equal(before, store.Names);
    }

    [Fact]
    public async Task Who_leaves_while_it_is_checked_deletes_nothing()
    {
        await WriteImagesAsync();
        var before = store.Names;
        using var gone = new CancellationTokenSource();
        inspector.Setup(port => port.Inspect(It.IsAny<IHeaderSource>())).Callback(gone.Cancel).Returns(new ImageHeader(ImageFormat.Raw, 1, null, null));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => daemon.Remover.RemoveImageAsync(Sample.Centos, gone.Token));
        await daemon.ThreadsAreFreeAsync();
        Assert.Equal(before, store.Names);
    }

    private Task<RemovedDisk> RemoveDiskAsync(string disk) => daemon.Remover.RemoveDiskAsync((DataDiskEntry)Sample.Names.Classify(disk)!, CancellationToken.None);

    private async Task<(Refusal Reason, string Message)> RefusalAsync(string disk)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => RemoveDiskAsync(disk));
        return (refused.Reason, refused.Message);
    }

    private Task<RemovedHost> RemoveHostAsync(bool purge = false) => daemon.Remover.RemoveHostAsync(Sample.Web01, purge, CancellationToken.None);

    private async Task WriteImagesAsync()
    {
        foreach (var name in new[] { "cent_template.img", "cent_dup_10_ready", "cent_dup_2_ready", "centos_template.img", "centos_dup_1_ready" })
        {
            store.Write(name, 1);
        }

        await daemon.Images.WriteLevelAsync(Sample.Image("cent"), 2, CancellationToken.None);
        await daemon.Images.WriteLevelAsync(Sample.Centos, 2, CancellationToken.None);
    }
}
