using Microsoft.Extensions.Logging.Abstractions;
using StorageHost.Files.Catalog;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Tests.Images;
using Xunit;

namespace StorageHost.Tests.Files.Catalog;

public sealed class LevelsTests : IAsyncLifetime
{
    private readonly Store store = new();
    private Daemon daemon = null!;

    public async Task InitializeAsync() => daemon = await Daemon.StartAsync(store);

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task Before_any_was_set_there_are_none() => Assert.Empty(await ReadAsync());

    [Fact]
    public async Task A_level_is_remembered_for_every_daemon()
    {
        await daemon.Images.WriteLevelAsync(Sample.Centos, 3, CancellationToken.None);
        await daemon.Images.WriteLevelAsync(Sample.Debian, 10, CancellationToken.None);
        await daemon.Images.WriteLevelAsync(Sample.Centos, 4, CancellationToken.None);
        await daemon.DisposeAsync();
        daemon = await Daemon.StartAsync(store);
        var levels = await ReadAsync();
        Assert.Equal((2, 4, 10), (levels.Count, levels[Sample.Centos], levels[Sample.Debian]));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_level_of_none_is_forgotten()
    {
        await daemon.Images.WriteLevelAsync(Sample.Centos, 3, CancellationToken.None);
        await daemon.Images.WriteLevelAsync(Sample.Centos, 0, CancellationToken.None);
        await daemon.Images.WriteLevelAsync(Sample.Debian, 0, CancellationToken.None);
        Assert.Empty(await ReadAsync());
    }

    [Theory]
    [InlineData("centos", "")]
    [InlineData("centos", "-1")]
    [InlineData("centos", "many")]
    [InlineData("centos", "99999999999999999999")]
    [InlineData("cen tos", "3")]
    [InlineData("a_dup_b", "3")]
    public async Task What_is_no_level_is_left_out(string name, string content)
    {
        await daemon.Images.WriteLevelAsync(Sample.Debian, 1, CancellationToken.None);
        await File.WriteAllTextAsync(store[$".storagehost/levels/{name}"], content);
        Assert.Equal(Sample.Debian, Assert.Single(await ReadAsync()).Key);
    }

    private Task<Dictionary<ImageName, int>> ReadAsync() => daemon.RunAsync(
        session => Levels.Read(session.Mount, Sample.Names, new UnreadableFiles(NullLogger<UnreadableFiles>.Instance), [])!);
}
