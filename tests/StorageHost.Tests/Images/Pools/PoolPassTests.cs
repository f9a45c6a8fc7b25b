using Moq;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

public sealed class PoolPassTests : IAsyncLifetime
{
    private readonly Core core = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task Callers_who_wait_come_before_the_pool()
    {
        var waits = Enumerable.Range(0, 2).Select(_ => core.Pool.TakeOrWait(CancellationToken.None).Next!).ToArray();
        await core.Pass.ServeAsync(core.Pool, 3, CancellationToken.None);
        Assert.All(await Eventually.EndsAsync(Task.WhenAll(waits)), Assert.NotNull);
        Assert.Equal((1, ManualTimeProvider.Start), (core.Pool.Ready, core.Pool.LastRefill));
        Assert.Single(core.Released);
    }

    [Fact]
    public async Task Its_job_tells_of_it()
    {
        var job = core.Pool.BeginJob(core.Jobs);
        var gate = new TaskCompletionSource();
        core.Gate = gate.Task;
        var pass = core.Pass.ServeAsync(core.Pool, 2, CancellationToken.None);
        Assert.Equal((JobState.Running, 1000L, 2), (job.Snapshot().State, job.Snapshot().BytesDone, job.CopiesAtOnce));
        gate.SetResult();
        await Eventually.EndsAsync(pass);
        Assert.Equal((2, 0), (job.Snapshot().CopiesDone, job.CopiesAtOnce));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Filling_gives_way_to_claims_unless_a_caller_waits_for_it(bool waited)
    {
        core.Levels[Centos] = 1;
        await core.Scanner.ScanAsync(CancellationToken.None);
        using var urgent = core.Foreground.Enter();
        var filling = core.Pass.FillAsync(core.Pool, CancellationToken.None);
        var waiting = waited ? core.Pool.TakeOrWait(CancellationToken.None).Next : null;
        await core.PassesUntilAsync(() => core.Passes.Count == 1);
        Assert.True(core.Time.GetUtcNow() >= ManualTimeProvider.Start.AddSeconds(1));
        if (waiting is not null)
        {
            Assert.NotNull(await Eventually.EndsAsync(waiting));
        }

        Assert.True(waited || !filling.IsCompleted);
        await core.PassesUntilAsync(() => filling.IsCompletedSuccessfully);
        Assert.True(core.Time.GetUtcNow() >= ManualTimeProvider.Start.AddSeconds(waited ? 1 : 2));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(1, true)]
    [InlineData(6, false)]
    public async Task Filling_goes_gently_while_claims_come(int? secondsAgo, bool gently)
    {
        core.Levels[Centos] = 1;
        await core.Scanner.ScanAsync(CancellationToken.None);
        if (secondsAgo is { } seconds)
        {
            core.Foreground.Enter().Dispose();
            core.Time.Advance(TimeSpan.FromSeconds(seconds));
        }

        await core.Pass.FillAsync(core.Pool, CancellationToken.None);
        Assert.Equal([gently ? Pace.Gentle : Pace.Full], core.Paces);
    }

    [Fact]
    public async Task For_callers_who_wait_copying_goes_at_full_pace_whatever_comes()
    {
        core.Foreground.Enter().Dispose();
        await core.Pass.ServeAsync(core.Pool, 1, CancellationToken.None);
        Assert.Equal([Pace.Full], core.Paces);
    }

    [Fact]
    public async Task A_pass_that_fails_leaves_nothing_in_the_making()
    {
        var job = core.Pool.BeginJob(core.Jobs);
        core.Gate = Task.FromException(new RefusedException(Refusal.NoSpace, "full"));
        await Assert.ThrowsAsync<RefusedException>(() => core.Pass.ServeAsync(core.Pool, 2, CancellationToken.None));
        Assert.Equal((0, 0, 0L), (job.Snapshot().CopiesDone, job.CopiesAtOnce, job.Snapshot().BytesDone));
    }

    [Fact]
    public async Task No_more_is_made_than_leaves_the_reserve()
    {
        core.Space = new VolumeSpace(100_000, 7999);
        await core.Pass.ServeAsync(core.Pool, 8, CancellationToken.None);
        Assert.Equal([(Centos, 2)], core.Passes);
    }

    [Fact]
    public async Task Passes_that_run_together_share_the_room()
    {
        core.Templates[Debian] = Template(Debian);
        core.Space = new VolumeSpace(100_000, 8000);
        var gate = new TaskCompletionSource();
        core.Gate = gate.Task;
        var first = core.Pass.ServeAsync(core.Pool, 2, CancellationToken.None);
        var second = core.Pass.ServeAsync(core.Pools.Get(Debian), 8, CancellationToken.None);
        gate.SetResult();
        await Eventually.EndsAsync(Task.WhenAll(first, second));
        await core.Pass.ServeAsync(core.Pool, 8, CancellationToken.None);
        Assert.Equal([(Centos, 2), (Debian, 2), (Centos, 3)], core.Passes);
    }

    [Fact]
    public async Task What_a_pass_has_written_is_missing_from_the_free_room_once()
    {
        core.Templates[Debian] = Template(Debian);
        core.Space = new VolumeSpace(100_000, 8000);
        var gate = new TaskCompletionSource();
        core.Gate = gate.Task;
        var first = core.Pass.ServeAsync(core.Pool, 2, CancellationToken.None);
        core.Space = new VolumeSpace(100_000, 7000); // half of two copies
        var second = core.Pass.ServeAsync(core.Pools.Get(Debian), 8, CancellationToken.None);
        gate.SetResult();
        await Eventually.EndsAsync(Task.WhenAll(first, second));
        Assert.Equal([(Centos, 2), (Debian, 1)], core.Passes);
    }

    [Fact]
    public async Task For_a_caller_who_waits_other_pools_give_copies_back()
    {
        core.Templates[Debian] = Template(Debian);
        core.AddCopies(2, image: Debian);
        await core.Scanner.ScanAsync(CancellationToken.None);
        core.Space = new VolumeSpace(100_000, 5999);
        core.Publisher.Setup(publisher => publisher.RetireAsync(It.IsAny<Copy>(), It.IsAny<CancellationToken>()))
            .Callback(() => core.Space = core.Space with { FreeBytes = core.Space.FreeBytes + 1000 }).Returns(Task.CompletedTask);
        await core.Pass.ServeAsync(core.Pool, 1, CancellationToken.None);
        Assert.Equal([(Centos, 1)], core.Passes);
        Assert.Equal(1, core.Pools.Get(Debian).Ready);
    }

    [Fact]
    public async Task For_the_pool_nothing_is_given_back()
    {
        core.Templates[Debian] = Template(Debian);
        core.AddCopies(2, image: Debian);
        core.Levels[Centos] = 1;
        core.Space = new VolumeSpace(100_000, 5999);
        Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => core.Pass.FillAsync(core.Pool, CancellationToken.None))).Reason);
        Assert.Equal((2, 0), (core.Copies.Count, core.Passes.Count));
    }

    [Fact]
    public async Task Filling_makes_what_is_missing()
    {
        core.AddCopies(1);
        core.Levels[Centos] = 3;
        await core.Pass.FillAsync(core.Pool, CancellationToken.None);
        Assert.Equal([(Centos, 2)], core.Passes);
        Assert.Equal((3, 3), (core.Pool.Ready, core.Copies.Count));
    }

    [Fact]
    public async Task Filling_does_not_make_what_others_made_just_now()
    {
        core.Pool.SetWanted(3);
        core.Levels[Centos] = 3;
        core.AddCopies(3);
        await core.Pass.FillAsync(core.Pool, CancellationToken.None);
        Assert.Empty(core.Passes);
        Assert.Equal(3, core.Pool.Ready);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_one_daemon_fills_or_trims(bool fill)
    {
        core.Levels[Centos] = fill ? 3 : 0;
        core.AddCopies(1);
        core.Volume.Setup(volume => volume.TryLockPoolAsync(Centos, It.IsAny<CancellationToken>())).ReturnsAsync((IAsyncDisposable?)null);
        Assert.False(await (fill ? core.Pass.FillAsync(core.Pool, CancellationToken.None) : core.Pass.TrimAsync(core.Pool, CancellationToken.None)));
        Assert.Equal((1, 0), (core.Copies.Count, core.Passes.Count));
    }

    [Fact]
    public async Task The_lock_is_given_up_whatever_happens()
    {
        var held = new Mock<IAsyncDisposable>();
        core.Volume.Setup(volume => volume.TryLockPoolAsync(Centos, It.IsAny<CancellationToken>())).ReturnsAsync(held.Object);
        core.Levels[Centos] = 1;
        core.Gate = Task.FromException(new RefusedException(Refusal.NoSpace, "full"));
        await Assert.ThrowsAsync<RefusedException>(() => core.Pass.FillAsync(core.Pool, CancellationToken.None));
        held.Verify(disposable => disposable.DisposeAsync(), Times.Once);
    }

    [Fact]
    public async Task Trimming_deletes_down_to_the_level()
    {
        core.AddCopies(5);
        core.Levels[Centos] = 2;
        await core.Pass.TrimAsync(core.Pool, CancellationToken.None);
        Assert.Equal((2, 2), (core.Pool.Ready, core.Copies.Count));
    }

    [Fact]
    public async Task Claims_that_could_not_be_given_out_are_left_to_recovery()
    {
        core.Publisher.Setup(publisher => publisher.AddToPoolAsync(It.IsAny<Claim>(), It.IsAny<CancellationToken>()))
            .Callback((Claim claim, CancellationToken _) => claim.File.Dispose())
            .ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "the storage answered EIO"));
        await Assert.ThrowsAsync<RefusedException>(() => core.Pass.ServeAsync(core.Pool, 3, CancellationToken.None));
        Assert.Equal((3, 0), (core.Released.Distinct(StringComparer.Ordinal).Count(), core.Pool.Ready));
    }
}
