using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.ImageStorages;
using StorageHost.Tests.ImageStorages;
using Xunit;

namespace StorageHost.Tests.Files.Session;

public sealed class WriteWatchTests : IAsyncLifetime
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
    public async Task A_write_to_a_read_only_file_system_breaks_it_at_once_and_one_that_is_done_mends_it()
    {
        await FailAsync(Errno.ReadOnly);
        Assert.Equal(("nothing can be written: the file system is read-only (EROFS)", null), (daemon.Volume.Unwritable, daemon.Volume.Full));
        await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        Assert.Null(daemon.Volume.Unwritable);
        Assert.Equal(("", 0), (store.Names, store.Private.Count));
    }

    [Fact]
    public async Task A_full_volume_is_served_as_far_as_it_can_be()
    {
        await FailAsync(Errno.NoSpace);
        Assert.Null(daemon.Volume.Unwritable);
        Assert.Matches("^the volume is full: [0-9]+ of [0-9]+ MB are free, [0-9]+ MB are the reserve\\z", daemon.Volume.Full);
        await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        Assert.Null(daemon.Volume.Full);
    }

    [Fact]
    public async Task After_a_timeout_the_next_look_writes()
    {
        var before = await daemon.RunAsync(session => session.Mount.StatSelf());
        daemon.Threads.WhenTimedOut!();
        await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        Assert.NotEqual(before, await daemon.RunAsync(session => session.Mount.StatSelf()));
    }

    [Fact]
    public async Task A_look_that_hangs_breaks_it_until_one_is_done()
    {
        var session = await daemon.RunAsync(session => session);
        var watch = new WriteWatch(5);
        var refused = watch.NoteHungLook(TimeSpan.FromSeconds(2.5));
        Assert.Equal(Refusal.StorageTimeout, refused.Reason);
        Assert.Equal("nothing can be written: the storage did not answer within 2.5 s", watch.Unwritable);
        Assert.Null(watch.Look(session.Mount, session.Private));
        Assert.Null(watch.Unwritable);
    }

    [Theory]
    [InlineData(Errno.Access)]
    [InlineData(Errno.NotPermitted)]
    public async Task Rights_that_one_file_lacks_are_no_fault_of_the_directory(int errno)
    {
        await FailAsync(errno);
        Assert.Null(daemon.Volume.Unwritable);
        await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        Assert.Null(daemon.Volume.Unwritable);
    }

    [Fact]
    public async Task While_nothing_gives_reason_for_doubt_nothing_is_written()
    {
        var before = await daemon.RunAsync(session => session.Mount.StatSelf());
        await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        Assert.Equal(before, await daemon.RunAsync(session => session.Mount.StatSelf()));
        await FailAsync(Errno.Access);
        await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        Assert.NotEqual(before, await daemon.RunAsync(session => session.Mount.StatSelf()));
    }

    [Fact]
    public void What_cannot_be_written_to_is_broken_and_what_is_full_is_degraded()
    {
        var health = new VolumeHealth(new StorageOptions { ReservePercent = 5 });
        var directory = Known.Directory("xfs", "/dev/sdb1");
        Assert.Equal(
            new Health(VolumeStatus.Broken, "the file system is read-only"),
            health.OfDirectory(Known.Fresh(directory with { Unwritable = "the file system is read-only" })));
        Assert.Equal(new Health(VolumeStatus.Degraded, "full"), health.OfDirectory(Known.Fresh(directory with { Refused = "full" })));
    }

    private async Task FailAsync(int errno) => await Assert.ThrowsAsync<RefusedException>(
        () => daemon.RunAsync<bool>(_ => throw new StorageException("rename", "web01.qcow2", errno)));
}
