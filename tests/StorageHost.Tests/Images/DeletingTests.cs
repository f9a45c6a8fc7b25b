using Moq;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images;

public sealed class DeletingTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly TaskCompletionSource gate = new();
    private readonly List<string> calls = [];

    public async Task InitializeAsync()
    {
        core.Remover.Setup(remover => remover.CheckImageAsync(Centos, It.IsAny<CancellationToken>())).Callback(() => calls.Add("check")).Returns(Task.CompletedTask);
        core.Remover.Setup(remover => remover.RemoveImageAsync(Centos, It.IsAny<CancellationToken>()))
            .Callback(() =>
            {
                calls.Add($"{core.Stopped.Count} stopped");
                calls.Add("remove");
                core.Templates.TryRemove(Centos, out _);
                core.Levels.TryRemove(Centos, out _);
            })
            .ReturnsAsync(new RemovedImage(Centos, [Names.Template(Centos)]));
        core.Gate = gate.Task.ContinueWith(_ => { }, TaskScheduler.Default);
        await core.StartAsync();
    }

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task Copying_is_stopped_before_the_template_goes()
    {
        var job = await FillAsync();
        core.Engine.Setup(engine => engine.MakeAsync(Centos, It.IsAny<int>(), It.IsAny<Func<CopyProgress, ValueTask<Pace>>>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new InvalidOperationException("copied a template that is being deleted"));
        var removed = await Eventually.EndsAsync(core.Service.DeleteImageAsync(Centos, CancellationToken.None));
        Assert.Equal([Names.Template(Centos)], removed.Removed);
        Assert.Equal("check, 1 stopped, remove", string.Join(", ", calls));
        Assert.Equal((0, 0, JobState.Cancelled, false), (core.Pool.Wanted, core.Copies.Count, job.Snapshot().State, core.Pool.Closing));
    }

    [Fact]
    public async Task A_level_that_another_daemon_wrote_meanwhile_goes_too()
    {
        var removing = core.Remover.Object.RemoveImageAsync(Centos, CancellationToken.None);
        core.Remover.Setup(remover => remover.RemoveImageAsync(Centos, It.IsAny<CancellationToken>())).Callback(() => core.Levels[Centos] = 3).Returns(removing);
        await Eventually.EndsAsync(core.Service.DeleteImageAsync(Centos, CancellationToken.None));
        Assert.Equal((0, 0), (core.Levels[Centos], core.Pool.Wanted));
    }

    [Fact]
    public async Task While_it_is_deleted_nothing_is_copied()
    {
        var removing = new TaskCompletionSource<RemovedImage>();
        core.Remover.Setup(remover => remover.RemoveImageAsync(Centos, It.IsAny<CancellationToken>())).Returns(removing.Task);
        await FillAsync();
        var deleting = core.Service.DeleteImageAsync(Centos, CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Remover.Invocations.Count == 2);
        core.Templates[Debian] = Template(Debian);
        gate.SetResult();
        await Eventually.EndsAsync(core.Service.SetImageAsync(Debian, Web01, null, null, CancellationToken.None));
        Assert.Equal([(Centos, 2), (Debian, 1)], core.Passes);
        core.Templates.TryRemove(Centos, out _);
        core.Levels.TryRemove(Centos, out _);
        removing.SetResult(new RemovedImage(Centos, []));
        await Eventually.EndsAsync(deleting);
    }

    [Fact]
    public async Task Nothing_is_stopped_or_deleted_when_the_check_refuses()
    {
        var job = await FillAsync();
        core.Remover.Setup(remover => remover.CheckImageAsync(Centos, It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.ImageInUse, "clones"));
        await Assert.ThrowsAsync<RefusedException>(() => core.Service.DeleteImageAsync(Centos, CancellationToken.None));
        gate.SetResult();
        await Eventually.HoldsAsync(() => core.Pool.Ready == 2);
        Assert.Equal([(Centos, 2)], core.Passes);
        core.Remover.Verify(remover => remover.RemoveImageAsync(Centos, It.IsAny<CancellationToken>()), Times.Never);
        await Eventually.HoldsAsync(() => job.Snapshot().State == JobState.Succeeded);
    }

    [Fact]
    public async Task When_deleting_is_refused_after_all_the_copying_goes_on()
    {
        await FillAsync();
        core.Remover.Setup(remover => remover.RemoveImageAsync(Centos, It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.DiskInUse, "in use"));
        core.Gate = Task.CompletedTask;
        await Assert.ThrowsAsync<RefusedException>(() => core.Service.DeleteImageAsync(Centos, CancellationToken.None));
        await core.PassesUntilAsync(() => core.Pool.Ready == 2);
        Assert.Equal((2, false), (core.Pool.Wanted, core.Pool.Closing));
    }

    [Fact]
    public async Task Who_waits_for_its_copies_is_told()
    {
        var waiting = core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        await Eventually.EndsAsync(core.Service.DeleteImageAsync(Centos, CancellationToken.None));
        Assert.Equal(Refusal.ImageNotFound, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(waiting))).Reason);
        Assert.Empty(core.Disks);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_host_is_deleted_as_the_remover_does_it(bool purge)
    {
        var removed = new RemovedHost(Web01, [Names.SystemDisk(Web01)], []);
        core.Remover.Setup(remover => remover.RemoveHostAsync(Web01, purge, It.IsAny<CancellationToken>())).ReturnsAsync(removed);
        Assert.Same(removed, await core.Service.DeleteHostAsync(Web01, purge, CancellationToken.None));
    }

    private async Task<Job> FillAsync()
    {
        await core.Service.SetLevelsAsync(new Dictionary<ImageName, int> { [Centos] = 2 }, CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        return core.Pool.Job!;
    }
}
