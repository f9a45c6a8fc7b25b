using Moq;
using StorageHost.Files.Growing;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.Qemu;
using StorageHost.Tests.Images;
using StorageHost.Tests.Qemu;
using Xunit;

namespace StorageHost.Tests.Files.Growing;

/// <summary>Disks that grow under their names. That every step may be the last one is shown by <see cref="GrowthTests"/>.</summary>
public sealed class DiskGrowerTests : IAsyncLifetime
{
    private const string Name = "web01.qcow2";

    private readonly Store store = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync() => daemon = await Daemon.StartAsync(store);

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Theory]
    [InlineData("cluster_size=64K")]
    [InlineData("cluster_size=4K")]
    public async Task A_qcow2_grows_in_place(string options)
    {
        await CreateAsync(Name, options);
        var before = store.Stat(Name).Inode;
        await GrowAsync(80);
        await GrowAsync(80);
        Assert.Equal((before, 80L << 30), (store.Stat(Name).Inode, RealQemuImg.Inspect(store[Name]).VirtualBytes));
        Assert.True(await RealQemuImg.IsSoundAsync(store[Name]));
        await RealQemuImg.WriteAsync(store[Name], "read -P 7 0 64k", "read -P 0 40g 1m", "write -P 8 79g 64k");
    }

    [Fact]
    public async Task A_raw_disk_grows_even_if_its_guest_wrote_a_header()
    {
        store.WriteTemplate(100_000);
        await daemon.PublishAsync((await daemon.FillAsync(1)).Single(), Sample.Web01);
        using (var file = File.OpenHandle(store[Name], FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.Write(file, Qcow2Bytes.Version3(), 0);
        }

        await GrowAsync(2);
        Assert.Equal(2L << 30, store.Stat(Name).Fingerprint.Size);
        var begin = new byte[Qcow2Bytes.Length];
        await using var grown = File.OpenRead(store[Name]);
        grown.ReadExactly(begin);
        Assert.Equal(Qcow2Bytes.Version3(), begin);
    }

    [Fact]
    public async Task What_cannot_grow_stays_as_it_is()
    {
        Assert.Equal(Refusal.DiskNotFound, await RefusalAsync(80));
        await CreateAsync(Name, "cluster_size=64K");
        var before = store.Read(Name);
        Assert.Equal(Refusal.InvalidSize, await RefusalAsync(1));
        Assert.True(store.Link(Name, "web02.qcow2"));
        Assert.Equal(Refusal.DiskInUse, await RefusalAsync(80));
        File.Delete(store["web02.qcow2"]);
        Assert.Equal(Refusal.NoSpace, await RefusalAsync(80_000_000 >> 10, reserve: 100));
        Assert.Equal(before, store.Read(Name));
        File.WriteAllBytes(store[Name], Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), 72, 8, 2));
        Assert.Equal(Refusal.ImageRejected, await RefusalAsync(80));
    }

    /// <summary>QEMU's own locks; and those of a deletion, which has the whole file.</summary>
    [Theory]
    [InlineData(100, 1)]
    [InlineData(201, 1)]
    [InlineData(0, 0)]
    public async Task A_disk_that_somebody_has_is_left_alone(long start, long length)
    {
        await CreateAsync(Name, "cluster_size=64K");
        using var mount = store.Open();
        using var guest = mount.Open(Name, Syscalls.ReadWrite);
        Assert.True(mount.Locks.TryLock(guest, Name, start, length));
        Assert.Equal(Refusal.DiskInUse, await RefusalAsync(80));
        Assert.Equal(3L << 30, RealQemuImg.Inspect(store[Name]).VirtualBytes);
    }

    [Fact]
    public async Task No_guest_opens_a_disk_while_it_grows()
    {
        await CreateAsync(Name, "cluster_size=64K");
        var couldLock = true;
        var inspector = new Mock<IImageInspector>();
        inspector.Setup(inner => inner.Inspect(It.IsAny<IHeaderSource>())).Returns((IHeaderSource source) =>
        {
            using var mount = store.Open();
            using var guest = mount.Open(Name, Syscalls.ReadWrite);
            couldLock = mount.Locks.TryLock(guest, Name, 100, 1);
            return new ImageInspector().Inspect(source);
        });
        await Grower(inspector.Object).GrowAsync(new FileName(Name), 80, CancellationToken.None);
        Assert.False(couldLock);
    }

    [Fact]
    public async Task A_linked_clone_grows_no_further_than_shows_nothing_of_its_template()
    {
        await CreateAsync("centos_template.img", "cluster_size=64K");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-b", "centos_template.img", "-F", "qcow2", store[Name]);
        await GrowAsync(80);
        Assert.Equal(80L << 30, RealQemuImg.Inspect(store[Name]).VirtualBytes);
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-b", "centos_template.img", "-F", "qcow2", store[Name], "2G");
        Assert.Equal(Refusal.ImageRejected, await RefusalAsync(80));
        await RealQemuImg.RunAsync("create", "-q", "-u", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", store[Name], "2G");
        Assert.Equal(Refusal.ImageRejected, await RefusalAsync(80));
    }

    private async Task CreateAsync(string name, string options)
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", options, store[name], "3G");
        await RealQemuImg.WriteAsync(store[name], "write -P 7 0 64k");
    }

    private DiskGrower Grower(IImageInspector? inspector = null, int reserve = 0) => new(
        daemon.Volume, Sample.Names, daemon.Templates, inspector ?? new ImageInspector(), new ImageGrower(), new StorageOptions { ReservePercent = reserve });

    private Task GrowAsync(int sizeGb, int reserve = 0) => Grower(reserve: reserve).GrowAsync(new FileName(Name), sizeGb, CancellationToken.None);

    private async Task<Refusal> RefusalAsync(int sizeGb, int reserve = 0) => (await Assert.ThrowsAsync<RefusedException>(() => GrowAsync(sizeGb, reserve))).Reason;
}
