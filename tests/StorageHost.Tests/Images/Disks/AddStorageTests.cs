using Microsoft.Win32.SafeHandles;
using Moq;
using StorageHost.Images;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Disks;

public sealed class AddStorageTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly SafeFileHandle image = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        image.Dispose();
        await core.DisposeAsync();
    }

    [Fact]
    public async Task A_disk_is_created_and_published()
    {
        core.Creator.Setup(creator => creator.CreateAsync(5, It.IsAny<CancellationToken>())).ReturnsAsync(image);
        core.Publisher.Setup(publisher => publisher.PublishDataDiskAsync(image, Web01, 5, null, It.IsAny<CancellationToken>())).ReturnsAsync(Names.DataDisk(Web01, 5, 1));
        Assert.Equal(new DataDisk(Web01, Names.DataDisk(Web01, 5, 1), 5), await core.Service.AddStorageAsync(Web01, 5, null, CancellationToken.None));
    }

    [Fact]
    public async Task What_could_not_be_created_is_not_published()
    {
        core.Creator.Setup(creator => creator.CreateAsync(5, It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.StorageTimeout, "late"));
        await Assert.ThrowsAsync<RefusedException>(() => core.Service.AddStorageAsync(Web01, 5, null, CancellationToken.None));
        core.Publisher.VerifyNoOtherCalls();
    }
}
