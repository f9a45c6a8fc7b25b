using StorageHost.Files;
using StorageHost.Images;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files;

public sealed class StorageVolumeTests : IAsyncLifetime
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
    public async Task A_session_that_is_sound_goes_on()
    {
        var before = await daemon.RunAsync(session => session);
        await EnsureAsync();
        Assert.Same(before, await daemon.RunAsync(session => session));
        Assert.Equal(1, store.PrivateDirectories);
    }

    [Fact]
    public async Task When_others_recovered_its_files_a_new_session_begins()
    {
        var before = await daemon.RunAsync(session => session);
        before.Private.Dispose();
        await using var other = await Daemon.StartAsync(store);
        await other.RecoverAsync();
        await EnsureAsync();
        var after = await daemon.RunAsync(session => session);
        Assert.NotSame(before, after);
        Assert.Same(before.Mount.Locks, after.Mount.Locks);
        Assert.True(await daemon.RunAsync(session => session.Private.IsAlive(session.Mount)));
        Assert.Equal(2, store.PrivateDirectories);
    }

    [Fact]
    public async Task When_the_directory_is_gone_nothing_is_served_until_it_is_back()
    {
        Directory.Move(store.Path, store.Path + "-away");
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(EnsureAsync)).Reason);
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => daemon.Publisher.FindAsync(Sample.Web01, null, CancellationToken.None))).Reason);
        Directory.Move(store.Path + "-away", store.Path);
        await EnsureAsync();
        Assert.Null(await daemon.Publisher.FindAsync(Sample.Web01, null, CancellationToken.None));
    }

    [Fact]
    public async Task When_another_directory_took_its_place_that_one_is_served()
    {
        store.Write("web01.qcow2", 1);
        Directory.Move(store.Path, store.Path + "-old");
        Directory.CreateDirectory(store.Path);
        try
        {
            await EnsureAsync();
            Assert.Null(await daemon.Publisher.FindAsync(Sample.Web01, null, CancellationToken.None));
            Assert.Equal(1, store.PrivateDirectories);
        }
        finally
        {
            Directory.Delete(store.Path + "-old", recursive: true);
        }
    }

    [Fact]
    public async Task A_directory_on_another_type_of_file_system_is_refused()
    {
        var storage = new StorageOptions { Directory = store.Path, Threads = 4, RequireMount = "fuse.glusterfs" };
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Daemon.StartAsync(store, storage: storage));
        Assert.StartsWith("the storage directory must lie on fuse.glusterfs, but lies on ", refused.Message, StringComparison.Ordinal);
        Assert.Equal((Refusal.StorageUnavailable, 1), (refused.Reason, store.PrivateDirectories));
    }

    [Fact]
    public async Task A_directory_on_the_type_that_is_required_is_served()
    {
        var type = await daemon.RunAsync(session => session.MountPoint.FileSystemType);
        await using var other = await Daemon.StartAsync(store, storage: new StorageOptions { Directory = store.Path, Threads = 4, RequireMount = type });
        Assert.Equal(2, store.PrivateDirectories);
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("a file")]
    public async Task What_is_no_directory_is_not_served(string kind)
    {
        store.Write("a file", 1);
        var storage = new StorageOptions { Directory = store[kind], Threads = 4 };
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => Daemon.StartAsync(store, storage: storage))).Reason);
    }

    [Fact]
    public async Task Who_leaves_takes_its_private_directory_along()
    {
        await daemon.DisposeAsync();
        Assert.Equal(0, store.PrivateDirectories);
    }

    [Fact]
    public async Task Who_leaves_with_files_in_the_making_leaves_them_to_recovery()
    {
        store.Write((await daemon.RunAsync(session => session.Private.NewFile(PrivateKind.Making))).Name, 1);
        await daemon.DisposeAsync();
        Assert.Single(store.Private);
        await using var other = await Daemon.StartAsync(store);
        await Eventually.EndsAsync(other.RecoverAsync());
        Assert.Equal((1, 0), (store.PrivateDirectories, store.Private.Count));
    }

    private Task EnsureAsync() => daemon.Volume.EnsureSessionAsync(CancellationToken.None);
}
