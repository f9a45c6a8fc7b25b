using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Session;

public sealed class VolumeSessionsTests : IAsyncLifetime
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

    [Fact]
    public async Task Who_leaves_settles_what_nobody_works_on_any_more()
    {
        store.WriteTemplate(1000);
        var copy = Assert.Single(await daemon.FillAsync(1));
        (await daemon.Publisher.ClaimAsync(copy, CancellationToken.None))!.Dispose();
        Assert.Single(store.Private);
        await daemon.DisposeAsync();
        Assert.Equal((0, copy.Inode), (store.PrivateDirectories, store.Stat("centos_dup_1_ready").Inode));
    }

    [Fact]
    public async Task Who_leaves_waits_for_what_was_given_up_and_still_works()
    {
        using var hang = new ManualResetEventSlim();
        using var gone = new CancellationTokenSource();
        var working = daemon.Volume.RunAsync(
            "work",
            (VolumeSession session, StorageCall<bool> _) =>
            {
                using var file = session.Private.NewFile(PrivateKind.Making);
                store.Write(file.Name, 1);
                return hang.Wait(TimeSpan.FromMinutes(1)) && session.Mount.TryUnlink(file.Name);
            },
            gone.Token);
        await Eventually.HoldsAsync(() => store.Private.Count == 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => working);
        var leaving = daemon.DisposeAsync();
        hang.Set();
        await Eventually.EndsAsync(leaving.AsTask());
        Assert.Equal(0, store.PrivateDirectories);
    }

    [Fact]
    public async Task A_session_that_nobody_took_up_leaves_nothing()
    {
        var before = await daemon.RunAsync(session => session);
        before.Private.Dispose();
        using var began = new ManualResetEventSlim();
        using var hang = new ManualResetEventSlim();
        var holder = Task.Factory.StartNew(
            () =>
            {
                lock (before.Mount.Locks.Turn)
                {
                    began.Set();
                    hang.Wait(TimeSpan.FromMinutes(1));
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        began.Wait(TimeSpan.FromMinutes(1));
        using var gone = new CancellationTokenSource();
        var ensuring = daemon.Volume.EnsureSessionAsync(gone.Token);
        await Eventually.HoldsAsync(() => store.PrivateDirectories == 2);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ensuring);
        var leaving = daemon.DisposeAsync();
        hang.Set();
        await Eventually.EndsAsync(Task.WhenAll(holder, leaving.AsTask()));
        Assert.True(Directory.Exists(store[before.Private.Name]));
        Assert.Equal(1, store.PrivateDirectories);
    }

    [Fact]
    public async Task A_start_that_fails_leaves_nothing()
    {
        await daemon.DisposeAsync();
        File.Delete(store[".storagehost/template-suffix"]);
        Directory.CreateDirectory(store[".storagehost/template-suffix"]);
        for (var starts = 0; starts < 3; starts++)
        {
            Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => Daemon.StartAsync(store))).Reason);
        }

        Assert.Equal(0, store.PrivateDirectories);
    }

    [Fact]
    public async Task A_lock_file_of_names_that_cannot_be_opened_keeps_nobody_from_starting()
    {
        Directory.CreateDirectory(store[".storagehost/locks/.names"]);
        await using var other = await Daemon.StartAsync(store);
        Assert.Equal(2, store.PrivateDirectories);
    }

    [Fact]
    public async Task The_first_daemon_writes_the_template_suffix_down_and_one_with_another_is_refused_until_the_file_is_gone()
    {
        Assert.Equal("_template.img\n", store.Suffix);
        var other = new StorageOptions { Directory = store.Path, Threads = 4, TemplateSuffix = "-master.raw" };
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Daemon.StartAsync(store, storage: other));
        Assert.Equal(
            (Refusal.StorageUnavailable, "templates on this volume end with '_template.img', and Storage:TemplateSuffix is '-master.raw': change the setting, or remove"
                + " .storagehost/template-suffix when no daemon serves the volume with '_template.img'", 1),
            (refused.Reason, refused.Message, store.PrivateDirectories));

        // While one serves it, the file that somebody removes comes back.
        File.Delete(store[".storagehost/template-suffix"]);
        await EnsureAsync();
        Assert.Equal("_template.img\n", store.Suffix);
        await daemon.DisposeAsync();
        File.Delete(store[".storagehost/template-suffix"]);
        await using var second = await Daemon.StartAsync(store, storage: other);
        Assert.Equal("-master.raw\n", store.Suffix);
    }

    [Fact]
    public async Task A_daemon_stops_serving_when_the_volume_has_another_suffix_and_goes_on_when_it_has_its_own()
    {
        store.Write(".storagehost/template-suffix", "-master.raw\n"u8);
        var refused = await Assert.ThrowsAsync<RefusedException>(EnsureAsync);
        Assert.StartsWith("templates on this volume end with '-master.raw'", refused.Message, StringComparison.Ordinal);
        Assert.Equal(refused.Message, (await Assert.ThrowsAsync<RefusedException>(() => daemon.RecoverAsync())).Message);
        File.Delete(store[".storagehost/template-suffix"]);
        await EnsureAsync();
        await daemon.RecoverAsync();
    }

    private Task EnsureAsync() => daemon.Volume.EnsureSessionAsync(CancellationToken.None);
}
