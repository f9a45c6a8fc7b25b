using Moq;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

public sealed class PoolReconcilerTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly TaskCompletionSource gate = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task After_a_start_a_pool_is_filled_to_the_level_that_was_remembered()
    {
        core.AddCopies(1);
        core.Levels[Centos] = 3;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool is { Ready: 3, Job: null });
        Assert.Equal([(Centos, 2)], core.Passes);
        Assert.Equal((JobState.Succeeded, 2), (core.Jobs.All.Single().Snapshot().State, core.Jobs.All.Single().Snapshot().CopiesDone));
    }

    [Fact]
    public async Task It_recovers_before_it_reads()
    {
        var calls = new List<string>();
        core.Volume.Setup(volume => volume.RecoverAsync(It.IsAny<CancellationToken>())).Callback(() => calls.Add("recover")).Returns(Task.CompletedTask);
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).Callback(() => calls.Add("ensure")).Returns(Task.CompletedTask);
        core.Volume.Setup(volume => volume.ScanAsync(It.IsAny<CancellationToken>())).Callback(() => calls.Add("scan"))
            .ReturnsAsync(new VolumeScan([], [], new Dictionary<ImageName, int>(), new Dictionary<ImageName, int>(), new HashSet<ImageName>(), core.Space));
        await core.StartAsync();
        Assert.Equal("ensure recover scan", string.Join(' ', calls.Take(3)));
    }

    [Fact]
    public async Task A_large_level_is_reached_in_several_passes()
    {
        core.Levels[Centos] = 20;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool is { Ready: 20, Job: null });
        Assert.Equal([8, 8, 4], core.Passes.Select(pass => pass.Copies));
        Assert.Equal(20, core.Jobs.All.Single().Snapshot().CopiesDone);
    }

    [Fact]
    public async Task After_a_claim_the_pool_is_filled_again()
    {
        core.AddCopies(2);
        core.Levels[Centos] = 2;
        await core.StartAsync();
        await core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        await core.PassesUntilAsync(() => core.Pool.Ready == 2 && core.Passes.Count == 1);
    }

    [Fact]
    public async Task Copies_above_the_level_are_trimmed()
    {
        core.AddCopies(5);
        core.Levels[Centos] = 2;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Ready == 2 && core.Copies.Count == 2);
        Assert.Empty(core.Jobs.All);
    }

    [Fact]
    public async Task What_fails_is_tried_again_less_and_less_often_until_it_succeeds()
    {
        core.Levels[Centos] = 1;
        core.Gate = Task.FromException(new RefusedException(Refusal.StorageUnavailable, "the storage answered EIO"));
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Problem?.Message == "the storage answered EIO");
        Assert.Equal("the storage answered EIO", core.Pool.Job!.Snapshot().Error);
        await core.PassesUntilAsync(() => core.Passes.Count == 6);
        Assert.InRange(core.Time.GetUtcNow() - ManualTimeProvider.Start, TimeSpan.FromSeconds(1 + 2 + 4 + 8 + 16), TimeSpan.FromMinutes(5));
        core.Gate = Task.CompletedTask;
        await core.PassesUntilAsync(() => core.Pool is { Ready: 1, Problem: null, Job: null });
        Assert.Equal(JobState.Succeeded, core.Jobs.All.Single().Snapshot().State);
    }

    [Fact]
    public async Task A_problem_has_the_time_at_which_it_was_first_seen()
    {
        core.Levels[Centos] = 1;
        core.Gate = Task.FromException(new RefusedException(Refusal.StorageUnavailable, "the storage answered EIO"));
        await core.StartAsync();
        await core.PassesUntilAsync(() => core.Passes.Count == 3 && core.Pool.Problem is not null);
        Assert.Equal(ManualTimeProvider.Start, core.Pool.Problem!.Since);
    }

    [Fact]
    public async Task The_want_of_room_goes_with_the_next_look_that_finds_room()
    {
        core.Space = new VolumeSpace(1_000_000, 50_500);
        core.Levels[Centos] = 1;
        await core.StartAsync();
        await core.PassesUntilAsync(() => core.Pool.Failures >= 4);
        await Eventually.HoldsAsync(() => core.Pool.Problem is not null);
        core.Space = new VolumeSpace(1_000_000, 900_000);
        await core.Scanner.ScanAsync(CancellationToken.None);

        // No time has gone by: without it the pool would rest for eight seconds.
        await Eventually.HoldsAsync(() => core.Pool is { Ready: 1, Problem: null });
    }

    [Fact]
    public async Task The_fault_of_a_template_goes_when_it_is_another()
    {
        var faulty = new RefusedException(Refusal.ImageRejected, "the template centos is not served");
        core.Levels[Centos] = 1;
        core.Gate = Task.FromException(faulty);
        await core.StartAsync();
        await core.PassesUntilAsync(() => core.Pool.Failures >= 4);
        await Eventually.HoldsAsync(() => core.Pool.Problem is not null);
        core.Gate = Task.CompletedTask;
        core.Templates[Centos] = Template(fingerprint: New);
        await core.Scanner.ScanAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Pool is { Ready: 1, Problem: null });
    }

    [Fact]
    public async Task When_the_storage_answers_again_what_it_would_not_fill_is_tried_at_once()
    {
        core.Levels[Centos] = 1;
        core.Gate = Task.FromException(new RefusedException(Refusal.StorageUnavailable, "the mount is dead"));
        await core.StartAsync();
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.StorageUnavailable, "the mount is dead"));
        await core.PassesUntilAsync(() => core.Pool.Failures >= 7 && core.Reconciler.Problem is not null);
        var since = core.Time.GetUtcNow();
        core.Gate = Task.CompletedTask;
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).Returns(Task.CompletedTask);
        await core.PassesUntilAsync(() => core.Pool is { Ready: 1, Problem: null });
        Assert.InRange(core.Time.GetUtcNow() - since, TimeSpan.Zero, Core.Rescan * 3);
    }

    [Fact]
    public async Task While_it_is_copied_an_earlier_problem_is_not_shown()
    {
        core.Levels[Centos] = 1;
        core.Gate = Task.FromException(new RefusedException(Refusal.StorageUnavailable, "the storage answered EIO"));
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Problem is not null);
        core.Gate = gate.Task;
        await core.PassesUntilAsync(() => core.Passes.Count == 2 && core.Pool.Problem is null);
        gate.SetException(new RefusedException(Refusal.StorageUnavailable, "the storage answered EIO"));
        await Eventually.HoldsAsync(() => core.Pool.Problem?.Since == ManualTimeProvider.Start);
    }

    [Fact]
    public async Task A_template_that_changes_while_it_is_copied_is_a_failure_but_callers_wait_on()
    {
        core.Gate = Task.FromException(new RefusedException(Refusal.JobConflict, "the template centos changed while it was copied"));
        var wait = core.Pool.TakeOrWait(CancellationToken.None).Next!;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Failures > 0 && core.Pool.Problem is not null);
        Assert.False(wait.IsCompleted);
        core.Gate = Task.CompletedTask;
        await core.PassesUntilAsync(() => wait.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_template_that_settles_is_left_alone_meanwhile_and_keeps_no_worker_from_others()
    {
        var unsettled = new RefusedException(Refusal.JobConflict, "the template centos may still be being written") { RetryAfter = TimeSpan.FromSeconds(10) };
        core.Engine.Setup(engine => engine.MakeAsync(Centos, It.IsAny<int>(), It.IsAny<Func<CopyProgress, ValueTask<Pace>>>(), It.IsAny<CancellationToken>()))
            .Callback(() => core.Passes.Enqueue((Centos, 1))).ThrowsAsync(unsettled);
        core.Templates[Debian] = Template(Debian);
        var wait = core.Pool.TakeOrWait(CancellationToken.None).Next!;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Problem?.Message == unsettled.Message && core.Time.Timers >= 2);
        var other = core.Pools.Get(Debian).TakeOrWait(CancellationToken.None).Next!;
        core.Pools.Ring();
        Assert.NotNull(await Eventually.EndsAsync(other));
        core.Time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal((1, 0L, false), (core.Passes.Count(pass => pass.Image == Centos), core.Pool.Failures, wait.IsCompleted));
        core.Engine.Setup(engine => engine.MakeAsync(Centos, It.IsAny<int>(), It.IsAny<Func<CopyProgress, ValueTask<Pace>>>(), It.IsAny<CancellationToken>()))
            .ReturnsAsync([core.NewClaim(Centos)]);
        core.Time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.NotNull(await Eventually.EndsAsync(wait));
        await Eventually.HoldsAsync(() => core.Pool.Problem is null);
    }

    [Fact]
    public async Task Copying_that_does_not_end_is_waited_for_no_longer_than_a_storage_call()
    {
        var hanging = new TaskCompletionSource<IReadOnlyList<Claim>>();
        core.Engine.Setup(engine => engine.MakeAsync(Centos, It.IsAny<int>(), It.IsAny<Func<CopyProgress, ValueTask<Pace>>>(), It.IsAny<CancellationToken>())).Returns(hanging.Task);
        core.Levels[Centos] = 1;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Job?.CopiesAtOnce == 1);
        var stopping = core.Reconciler.StopCopyingAsync(Centos, CancellationToken.None);
        await core.PassesUntilAsync(() => stopping.IsCompleted);
        Assert.Equal(Refusal.StorageTimeout, (await Assert.ThrowsAsync<RefusedException>(() => stopping)).Reason);
        hanging.SetCanceled();
    }

    [Fact]
    public async Task A_failure_that_nobody_expected_stops_nothing()
    {
        core.Levels[Centos] = 1;
        core.Gate = Task.FromException(new InvalidOperationException("a bug"));
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Problem?.Message == "internal error; the log says more");
        core.Gate = Task.CompletedTask;
        await core.PassesUntilAsync(() => core.Pool is { Ready: 1, Problem: null });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_volume_that_cannot_be_read_is_read_again(bool unexpected)
    {
        var asked = 0;
        Exception fault = unexpected ? new InvalidOperationException("a bug") : new RefusedException(Refusal.StorageUnavailable, "not mounted");
        core.Volume.Setup(volume => volume.EnsureServedAsync(It.IsAny<CancellationToken>())).Returns(() => ++asked < 3 ? Task.FromException(fault) : Task.CompletedTask);
        await core.Reconciler.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => asked == 1 && core.Reconciler.Problem is "not mounted" or "the storage directory could not be read: internal error");
        await core.PassesUntilAsync(() => core.Reconciler.Problem is null);
        Assert.NotNull(core.Scanner.LastScan);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_nothing_can_be_recovered_the_pools_are_looked_after_and_room_is_given_back_all_the_same(bool unexpected)
    {
        Exception fault = unexpected ? new InvalidOperationException("a bug") : new RefusedException(Refusal.NoSpace, "the volume is full");
        var failing = true;
        core.Volume.Setup(volume => volume.RecoverAsync(It.IsAny<CancellationToken>())).Returns(() => failing ? Task.FromException(fault) : Task.CompletedTask);
        core.AddCopies(1);
        core.Levels[Centos] = 1;
        core.Space = new VolumeSpace(1_000_000, 49_999);
        await core.StartAsync();
        Assert.Equal((unexpected ? "internal error; the log says more" : "the volume is full", 0), (core.Reconciler.RecoveryProblem, core.Copies.Count));
        failing = false;
        await core.PassesUntilAsync(() => core.Reconciler.RecoveryProblem is null);
    }

    [Fact]
    public async Task While_another_daemon_sees_to_the_pool_this_one_rests_and_then_takes_up_what_that_made()
    {
        var asked = 0;
        core.Levels[Centos] = 2;
        core.Volume.Setup(volume => volume.TryLockPoolAsync(Centos, It.IsAny<CancellationToken>())).Callback(() => asked++).ReturnsAsync((IAsyncDisposable?)null);
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Problem is not null);
        Assert.Equal(("another daemon sees to the pool of centos", core.Time.GetUtcNow()), (core.Pool.Problem!.Message, core.Pool.Problem.Since));
        for (var rings = 0; rings < 20; rings++)
        {
            await HeardAsync();
        }

        Assert.Equal(1, asked);
        core.AddCopies(2);
        await core.PassesUntilAsync(() => core.Pool is { Ready: 2, Problem: null, Job: null });
        Assert.InRange(asked, 1, 2);
        Assert.DoesNotContain((Centos, 2), core.Passes);
    }

    [Fact]
    public async Task One_worker_is_kept_for_callers_who_wait()
    {
        core.Templates[Debian] = Template(Debian);
        core.Levels[Centos] = 1;
        core.Levels[Debian] = 1;
        core.Gate = gate.Task;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => !core.Passes.IsEmpty);
        await HeardAsync();
        var filled = core.Passes.First(pass => pass.Image.Text != "sentinel").Image;
        Assert.DoesNotContain(core.Passes, pass => pass.Image == (filled == Centos ? Debian : Centos));
        core.Gate = Task.CompletedTask;
        await Eventually.EndsAsync(core.Service.SetImageAsync(filled == Centos ? Debian : Centos, Web01, null, null, CancellationToken.None));
        gate.SetResult();
        await core.PassesUntilAsync(() => core.Pools.Get(Centos).Ready == 1 && core.Pools.Get(Debian).Ready == 1);
    }

    [Fact]
    public async Task A_pass_that_nobody_needs_any_more_is_stopped()
    {
        core.Levels[Centos] = 3;
        core.Gate = gate.Task;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        await core.Service.SetLevelsAsync(new Dictionary<ImageName, int> { [Centos] = 0 }, CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Pool.Job is null);
        Assert.Equal((0, 0), (core.Pool.Ready, core.Jobs.All.Single().Snapshot().CopiesDone));
    }

    [Fact]
    public async Task A_caller_who_waits_does_not_wait_for_a_whole_pool_to_be_filled()
    {
        core.Levels[Centos] = 8;
        core.Gate = gate.Task;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        core.Gate = Task.CompletedTask;
        await Eventually.EndsAsync(core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None));
        await core.PassesUntilAsync(() => core.Pool.Ready == 8);
        Assert.Equal([8, 1, 8], core.Passes.Select(pass => pass.Copies));
    }

    [Fact]
    public async Task A_daemon_that_stops_stops_copying()
    {
        core.Levels[Centos] = 3;
        core.Gate = gate.Task;
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        core.Lifetime.StopApplication();
        await Eventually.EndsAsync(core.Reconciler.ExecuteTask!);
        Assert.Equal(0, core.Pool.Ready);
    }

    /// <summary>Rings, and waits until the reconciler has looked at every pool since: at the last of them, for a caller who waits there.</summary>
    private async Task HeardAsync()
    {
        var sentinel = Image("sentinel");
        core.Templates[sentinel] = Template(sentinel);
        var open = core.Gate;
        core.Gate = Task.CompletedTask;
        var waiting = core.Service.SetImageAsync(sentinel, Host($"sentinel-{Guid.NewGuid():N}"), null, null, CancellationToken.None);
        await Eventually.EndsAsync(waiting);
        core.Gate = open;
    }
}
