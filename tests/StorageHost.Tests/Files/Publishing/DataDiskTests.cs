using Microsoft.Win32.SafeHandles;
using Moq;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;
using StorageHost.Tests.Images;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Publishing;

public sealed class DataDiskTests : IAsyncLifetime
{
    private readonly Store store = new();
    private readonly Scratch elsewhere = new();
    private readonly Mock<IImageInspector> inspector = new();
    private Daemon daemon = null!;
    private byte[] image = [1, 2, 3];

    public async Task InitializeAsync()
    {
        Inspected(new ImageHeader(ImageFormat.Qcow2, 5L << 30, null, null));
        daemon = await Daemon.StartAsync(store, inspector.Object);
    }

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
        elsewhere.Dispose();
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public async Task Disks_of_one_size_are_numbered()
    {
        for (var count = 0; count < 3; count++)
        {
            await AddAsync();
        }

        Assert.Equal("web01_storage_5G web01_storage_5G_1 web01_storage_5G_2", store.Names);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(store["web01_storage_5G_1"]));
        Assert.Empty(store.Private);
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("another size")]
    [InlineData("a backing file")]
    [InlineData("a fault")]
    public async Task A_file_that_is_not_the_disk_that_was_asked_for_is_thrown_away(string fault)
    {
        var asked = new ImageHeader(ImageFormat.Qcow2, 5L << 30, null, null);
        Inspected(fault switch
        {
            "raw" => asked with { Format = ImageFormat.Raw },
            "another size" => asked with { VirtualBytes = 5 },
            "a backing file" => asked with { BackingFile = "/etc/passwd" },
            _ => asked with { Fault = fault },
        });
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(AddAsync)).Reason);
        Assert.Equal("", store.Names);
        Assert.Empty(store.Private);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(65536)]
    [InlineData(200_001)]
    public async Task It_holds_what_was_made_with_holes_for_zeros(int length)
    {
        image = new byte[length];
        image.AsSpan(..Math.Min(length, 10)).Fill(7);
        image.AsSpan(^Math.Min(length, 10)..).Fill(8);
        var disk = await AddAsync();
        Assert.Equal(image, await File.ReadAllBytesAsync(store[disk.Text]));
        Assert.InRange(store.Stat(disk.Text).AllocatedBytes, 0, 1 << 16);
    }

    [Fact]
    public async Task Whoever_has_left_leaves_neither_a_disk_nor_the_image_open()
    {
        using var made = OpenImage();
        using var left = new CancellationTokenSource();
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => daemon.Publisher.PublishDataDiskAsync(made, Sample.Web01, 5, null, left.Token));
        await daemon.ThreadsAreFreeAsync();
        Assert.True(made.IsClosed);
        Assert.Equal("", store.Names);
    }

    [Fact]
    public async Task There_are_so_many_names_and_no_more()
    {
        for (var number = 0; number < 1000; number++)
        {
            store.Write(Sample.Names.DataDisk(Sample.Web01, 5, number).Text, 9);
        }

        Assert.Equal(Refusal.HostExists, (await Assert.ThrowsAsync<RefusedException>(AddAsync)).Reason);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task The_same_request_sent_again_gets_the_disk_of_the_first()
    {
        var (first, second) = (new RequestMark("k1", "addstorage web01 5"), new RequestMark("k2", "addstorage web01 5"));
        Assert.Equal("web01_storage_5G", (await AddAsync(first)).Text);
        Assert.Equal("web01_storage_5G_1", (await AddAsync(second)).Text);
        File.Delete(store["web01_storage_5G"]);
        Assert.Equal("web01_storage_5G_1", (await AddAsync(second)).Text);
        Assert.Equal("web01_storage_5G", (await AddAsync(second with { Request = "addstorage web01 6" })).Text);
        Assert.Equal("web01_storage_5G web01_storage_5G_1", store.Names);
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task The_same_request_sent_twice_at_once_makes_one_disk()
    {
        for (var round = 0; round < 20; round++)
        {
            var mark = new RequestMark($"key{round}", "addstorage web01 5");
            var disks = await Eventually.EndsAsync(Task.WhenAll(AddAsync(mark), AddAsync(mark), AddAsync(mark)));
            Assert.Single(disks.Distinct());
            Assert.Equal(round + 1, store.Names.Split(' ').Length);
        }
    }

    private Task<FileName> AddAsync() => AddAsync(null);

    private async Task<FileName> AddAsync(RequestMark? mark)
    {
        using var made = OpenImage();
        return await daemon.Publisher.PublishDataDiskAsync(made, Sample.Web01, 5, mark, CancellationToken.None);
    }

    private SafeFileHandle OpenImage()
    {
        var path = elsewhere.File(Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(path, image);
        return File.OpenHandle(path);
    }

    private void Inspected(ImageHeader header) => inspector.Setup(port => port.Inspect(It.IsAny<IHeaderSource>())).Returns(header);
}
