using Moq;
using StorageHost.Images;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images;

public sealed class AddStorageTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly PrivateFile file;

    public AddStorageTests() => file = new PrivateFile("making", "/making", file => core.Released.Enqueue(file.Name));

    public Task InitializeAsync()
    {
        core.Publisher.Setup(publisher => publisher.NewDiskAsync(It.IsAny<CancellationToken>())).ReturnsAsync(file);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task A_disk_is_created_under_a_private_name_and_published()
    {
        core.Creator.Setup(creator => creator.CreateAsync(file, 5, It.IsAny<CancellationToken>())).Returns(Task.CompletedTask);
        core.Publisher.Setup(publisher => publisher.PublishDataDiskAsync(file, Web01, 5, null, It.IsAny<CancellationToken>())).ReturnsAsync(Names.DataDisk(Web01, 5, 1));
        Assert.Equal(new DataDisk(Web01, Names.DataDisk(Web01, 5, 1), 5), await core.Service.AddStorageAsync(Web01, 5, null, CancellationToken.None));
    }

    [Fact]
    public async Task What_could_not_be_created_is_left_to_recovery()
    {
        core.Creator.Setup(creator => creator.CreateAsync(file, 5, It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.NoSpace, "full"));
        await Assert.ThrowsAsync<RefusedException>(() => core.Service.AddStorageAsync(Web01, 5, null, CancellationToken.None));
        Assert.Equal("making", Assert.Single(core.Released));
    }
}
