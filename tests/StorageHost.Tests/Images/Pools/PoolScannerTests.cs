using Moq;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

public sealed class PoolScannerTests : IAsyncLifetime
{
    private readonly Core core = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task It_takes_up_what_lies_on_the_volume()
    {
        core.AddCopies(2);
        core.Levels[Centos] = 3;
        core.Levels[Debian] = 4;
        Assert.Null(core.Scanner.LastScan);
        await ScanAsync();
        Assert.Equal((2, 3, Template()), (core.Pool.Ready, core.Pool.Wanted, core.Pool.Template));
        Assert.Equal((0, 4, null), (core.Pools.Find(Debian)!.Ready, core.Pools.Find(Debian)!.Wanted, core.Pools.Find(Debian)!.Template));
        Assert.Equal((core.Time.GetTimestamp(), core.Space), (core.Scanner.LastScan, core.Scanner.Space));
    }

    [Fact]
    public async Task It_calls_the_reconciler()
    {
        await ScanAsync();
        await Eventually.EndsAsync(core.Pools.ListenAsync(TimeSpan.FromDays(1), CancellationToken.None));
    }

    [Fact]
    public async Task It_retires_what_is_no_copy_of_the_template_as_it_is()
    {
        core.AddCopies(1, Old);
        core.AddCopies(1, New);
        core.Copies[(Centos, 3)] = Copy(3) with { MadeFrom = null };
        core.Templates[Centos] = Template(fingerprint: New);
        await ScanAsync();
        Assert.Equal([(Centos, 2)], core.Copies.Keys);
        Assert.Equal((1, 2), (core.Pool.Ready, core.Pool.Take()!.Number));
    }

    [Fact]
    public async Task It_retires_the_copies_of_a_template_that_is_not_there()
    {
        core.AddCopies(2);
        core.Templates.Clear();
        await ScanAsync();
        Assert.Empty(core.Copies);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_template_that_only_a_listing_leaves_out_keeps_its_copies(bool found)
    {
        core.AddCopies(2);
        core.Levels[Centos] = 2;
        await ScanAsync();
        core.Templates.Clear();
        var look = core.Volume.Setup(volume => volume.FindTemplateAsync(Centos, It.IsAny<CancellationToken>()));
        _ = found ? look.ReturnsAsync(Template()) : look.ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "the storage answered EIO"));
        await ScanAsync();
        Assert.Equal((2, 2, 2), (core.Copies.Count, core.Pool.Ready, core.Pool.Wanted));
        Assert.NotNull(core.Pool.Template);
    }

    [Fact]
    public async Task A_template_that_is_left_out_with_all_its_copies_keeps_those_that_are_claimed()
    {
        core.Levels[Centos] = 2;
        await ScanAsync();
        core.Pool.Hold(Claim());
        core.Templates.Clear();
        core.Volume.Setup(volume => volume.FindTemplateAsync(Centos, It.IsAny<CancellationToken>())).ReturnsAsync(Template());
        await ScanAsync();
        Assert.Equal((1, 2), (core.Pool.Held, core.Pool.Wanted));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_level_that_only_a_listing_leaves_out_stays(bool found)
    {
        core.AddCopies(2);
        core.Levels[Centos] = 2;
        await ScanAsync();
        core.Levels.Clear();
        var look = core.Volume.Setup(volume => volume.HasLevelAsync(Centos, It.IsAny<CancellationToken>()));
        _ = found ? look.ReturnsAsync(true) : look.ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "the storage answered ENOTCONN"));
        await ScanAsync();
        Assert.Equal((2, 2), (core.Copies.Count, core.Pool.Wanted));

        core.Volume.Setup(volume => volume.HasLevelAsync(Centos, It.IsAny<CancellationToken>())).ReturnsAsync(false);
        await ScanAsync();
        Assert.Equal(0, core.Pool.Wanted);
    }

    [Fact]
    public async Task It_forgets_a_pool_of_which_nothing_is_left()
    {
        await ScanAsync();
        core.Templates.Clear();
        await ScanAsync();
        Assert.Null(core.Pools.Find(Centos));
    }

    [Fact]
    public async Task It_keeps_a_pool_that_somebody_waits_for()
    {
        var wait = core.Pool.TakeOrWait(CancellationToken.None).Next!;
        core.Templates.Clear();
        await ScanAsync();
        Assert.True(core.Pool.TryHandOver(Claim()));
        await Eventually.EndsAsync(wait);
    }

    [Fact]
    public async Task Who_comes_while_it_forgets_a_pool_waits_where_the_reconciler_looks()
    {
        var looked = new TaskCompletionSource<PublishResult?>();
        core.Publisher.Setup(publisher => publisher.FindAsync(Web01, null, It.IsAny<CancellationToken>())).Returns(looked.Task);
        var publishing = core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        core.Volume.Setup(volume => volume.ScanAsync(It.IsAny<CancellationToken>()))
            .ReturnsAsync(new VolumeScan([], [], new Dictionary<ImageName, int>(), new Dictionary<ImageName, int>(), new HashSet<ImageName>(), core.Space));
        await ScanAsync();
        looked.SetResult(null);
        await Eventually.HoldsAsync(() => core.Pools.All.Sum(pool => pool.Waiting) == 1);
        Assert.True(core.Pool.TryHandOver(core.NewClaim(Centos)));
        Assert.Equal(DiskSource.Copy, (await Eventually.EndsAsync(publishing)).Source);
    }

    [Fact]
    public async Task Below_the_reserve_the_largest_pools_give_copies_back_first()
    {
        core.Templates[Debian] = Template(Debian, allocated: 1000);
        core.AddCopies(4);
        core.AddCopies(2, image: Debian);
        core.Space = new VolumeSpace(100_000, 2500);
        await ScanAsync();
        Assert.Equal((1, 2), (core.Pool.Ready, core.Pools.Get(Debian).Ready));
        Assert.Equal(3, core.Copies.Count);
    }

    [Fact]
    public async Task Above_the_reserve_nothing_is_given_back()
    {
        core.AddCopies(4);
        core.Space = new VolumeSpace(100_000, 5000);
        await ScanAsync();
        Assert.Equal((4, 4), (core.Pool.Ready, core.Copies.Count));
    }

    [Fact]
    public async Task It_gives_back_no_more_than_there_is()
    {
        core.AddCopies(2);
        core.Space = new VolumeSpace(100_000, 0);
        await ScanAsync();
        Assert.Empty(core.Copies);
    }

    [Fact]
    public async Task What_has_no_template_now_keeps_no_other_pool_from_giving_back()
    {
        core.Templates[Debian] = Template(Debian);
        core.AddCopies(4);
        core.AddCopies(2, image: Debian);
        await ScanAsync();
        core.Pool.BeginScan();
        core.Pool.EndScan(null, [.. core.Copies.Values.Where(copy => copy.Image == Centos)], 0, 0);
        await core.Scanner.GiveBackAsync(1000, CancellationToken.None);
        Assert.Equal((4, 1), (core.Pool.Ready, core.Pools.Get(Debian).Ready));
    }

    [Fact]
    public async Task Of_what_the_storage_does_not_say_nothing_changes()
    {
        core.AddCopies(2);
        core.Levels[Centos] = 2;
        await ScanAsync();
        core.Levels.Clear();
        core.Templates.Clear();
        core.Copies.Clear();
        core.Unknown.Add(Centos);
        await ScanAsync();
        Assert.Equal((2, 2, true), (core.Pool.Ready, core.Pool.Wanted, core.Pool.Template is not null));
    }

    [Fact]
    public async Task A_scan_that_fails_changes_nothing_and_the_next_one_may_succeed()
    {
        core.AddCopies(2);
        await ScanAsync();
        core.Volume.SetupSequence(volume => volume.ScanAsync(It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RefusedException(Refusal.StorageTimeout, "late"))
            .ReturnsAsync(new VolumeScan([Template()], [Copy(1)], new Dictionary<ImageName, int>(), new Dictionary<ImageName, int>(), new HashSet<ImageName>(), core.Space));
        await Assert.ThrowsAsync<RefusedException>(ScanAsync);
        Assert.Equal(2, core.Pool.Ready);
        await ScanAsync();
        Assert.Equal(1, core.Pool.Ready);
    }

    private Task ScanAsync() => Eventually.EndsAsync(core.Scanner.ScanAsync(CancellationToken.None));
}
