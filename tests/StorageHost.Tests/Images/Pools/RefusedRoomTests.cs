using StorageHost.Images;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.ImageStorages;
using StorageHost.Tests.ImageStorages;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

public sealed class RefusedRoomTests : IAsyncLifetime
{
    private const long Mb = 1 << 20;

    private readonly Core core = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task A_refused_copy_says_the_numbers_until_there_is_room_for_it()
    {
        core.Templates[Centos] = Template(allocated: 500 * Mb);
        core.Space = new VolumeSpace(10_000 * Mb, 900 * Mb);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => core.Pass.ServeAsync(core.Pool, 1, CancellationToken.None));
        Assert.Equal(
            "another copy of centos would take the volume below its reserve of 5 %: it needs 500 MB, 900 MB are free, 500 MB are the reserve", refused.Message);
        await core.Scanner.ScanAsync(CancellationToken.None);
        Assert.Equal(refused.Message, core.Room.Message);
        core.Space = new VolumeSpace(10_000 * Mb, 1_000 * Mb);
        await core.Scanner.ScanAsync(CancellationToken.None);
        Assert.Null(core.Room.Message);
    }

    [Fact]
    public async Task Without_its_template_nothing_is_refused_any_more_but_what_is_not_known_stays()
    {
        core.Templates[Centos] = Template(allocated: 500 * Mb);
        core.Space = new VolumeSpace(10_000 * Mb, 900 * Mb);
        await Assert.ThrowsAsync<RefusedException>(() => core.Pass.ServeAsync(core.Pool, 1, CancellationToken.None));
        core.Templates.TryRemove(Centos, out var template);
        core.Unknown.Add(Centos);
        await core.Scanner.ScanAsync(CancellationToken.None);
        Assert.NotNull(core.Room.Message);
        core.Unknown.Clear();
        await core.Scanner.ScanAsync(CancellationToken.None);
        Assert.Null(core.Room.Message);
    }

    [Fact]
    public void Of_the_served_volume_alone_the_status_follows_from_what_is_refused()
    {
        var known = new Known();
        known.Directories.Add(("vms", Known.Fresh(Known.Directory("xfs", "/dev/sdb1"))));
        known.Directories.Add(("extra", Known.Fresh(Known.Directory("xfs", "/dev/sdc1"))));
        var refused = known.Room.Refuse(Template(allocated: 500 * Mb), new VolumeSpace(10_000 * Mb, 900 * Mb), 100 * Mb);
        Assert.EndsWith(", 100 MB are promised to work under way", refused.Message, StringComparison.Ordinal);
        Assert.Equal(
            [("vms", VolumeStatus.Degraded, refused.Message), ("extra", VolumeStatus.Ok, "")],
            known.Service().Volumes.Select(volume => (volume.VolumeId, volume.Status, volume.StatusMsg)));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(null)]
    public void The_numbers_may_change_while_the_want_of_room_goes_on(int? needed)
    {
        core.Pool.Hinder(new PoolProblem("9 MB are free", DateTimeOffset.UnixEpoch, Refusal.NoSpace, needed));
        core.Pool.Hinder(new PoolProblem("8 MB are free", DateTimeOffset.UnixEpoch.AddSeconds(9), Refusal.NoSpace, needed));
        Assert.Equal(("8 MB are free", DateTimeOffset.UnixEpoch), (core.Pool.Problem!.Message, core.Pool.Problem.Since));
    }
}
