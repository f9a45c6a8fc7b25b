using Moq;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Jobs;

/// <summary>Jobs as clients see them: publishing without waiting for it, and cancelling.</summary>
public sealed class ServiceJobTests : IAsyncLifetime
{
    private readonly Core core = new();
    private readonly TaskCompletionSource gate = new();

    public async Task InitializeAsync()
    {
        core.Gate = gate.Task;
        await core.StartAsync();
    }

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task Publishing_as_a_job_ends_with_the_disk()
    {
        var begun = await core.Service.StartSetImageAsync(Centos, Web01, null, null, CancellationToken.None);

        // Running as soon as the reconciler has begun to copy for it, which may be before this answer.
        Assert.Equal((JobKind.SetImage, Web01, null), (begun.Kind, begun.Hostname, begun.Ended));
        Assert.True(begun.State is JobState.Queued or JobState.Running, $"{begun.State}");
        gate.SetResult();
        await Eventually.HoldsAsync(() => core.Service.GetJob(begun.Id).State == JobState.Succeeded);
        Assert.Equal(Names.SystemDisk(Web01), core.Service.GetJob(begun.Id).Disk!.Disk);
    }

    [Theory]
    [InlineData("ImageNotFound")]
    [InlineData("HostExists")]
    public async Task What_can_be_refused_at_once_is(string reason)
    {
        core.Disks[Web01] = Centos;
        var image = reason == "HostExists" ? Centos : Debian;
        var refused = await Assert.ThrowsAsync<RefusedException>(() => core.Service.StartSetImageAsync(image, Web01, null, null, CancellationToken.None));
        Assert.Equal((reason, 0), (refused.Reason.ToString(), core.Jobs.All.Count));
    }

    [Fact]
    public async Task A_refusal_ends_the_job_with_its_reason()
    {
        var begun = await core.Service.StartSetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        gate.SetException(new RefusedException(Refusal.NoSpace, "the volume is full"));
        await Eventually.HoldsAsync(() => core.Service.GetJob(begun.Id).State == JobState.Failed);
        Assert.Equal("the volume is full", core.Service.GetJob(begun.Id).Error);
    }

    [Fact]
    public async Task A_failure_that_nobody_expected_ends_the_job_and_shows_nothing_of_the_inside()
    {
        var begun = await core.Service.StartSetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        gate.SetException(new InvalidOperationException("/srv/secret"));
        await Eventually.HoldsAsync(() => core.Service.GetJob(begun.Id).State == JobState.Failed);
        Assert.Equal("internal error; the log says more", core.Service.GetJob(begun.Id).Error);
    }

    [Fact]
    public async Task Cancelling_it_leaves_no_disk()
    {
        var begun = await core.Service.StartSetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Pool.Waiting == 1);
        Assert.Equal(JobState.Cancelled, (await Eventually.EndsAsync(core.Service.CancelJobAsync(begun.Id, CancellationToken.None))).State);
        await Eventually.HoldsAsync(() => core.Pool.Waiting == 0);
        Assert.Empty(core.Disks);
    }

    [Fact]
    public async Task A_disk_that_was_published_before_the_cancellation_came_is_not_denied()
    {
        core.AddCopies(1);
        core.Pool.Put(Copy(1));
        var published = new TaskCompletionSource<PublishResult>();
        core.Publisher.Setup(publisher => publisher.PublishAsync(It.IsAny<Claim>(), Web01, It.IsAny<int?>(), It.IsAny<RequestMark?>(), It.IsAny<CancellationToken>())).Returns(published.Task);
        var begun = await core.Service.StartSetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        var cancelling = core.Service.CancelJobAsync(begun.Id, CancellationToken.None);
        published.SetResult(new PublishResult(PublishOutcome.Published, Names.SystemDisk(Web01)));
        Assert.Equal(JobState.Succeeded, (await Eventually.EndsAsync(cancelling)).State);
        Assert.NotNull(core.Service.GetJob(begun.Id).Disk);
    }

    [Fact]
    public async Task Cancelling_a_filling_lowers_the_level_to_what_is_ready()
    {
        core.AddCopies(1);
        core.Levels[Centos] = 1;
        await core.Scanner.ScanAsync(CancellationToken.None);
        var job = (await SetLevelAsync(4)).JobId!;
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        var cancelled = await Eventually.EndsAsync(core.Service.CancelJobAsync(job, CancellationToken.None));
        Assert.Equal((JobState.Cancelled, 1, 1), (cancelled.State, core.Pool.Wanted, core.Levels[Centos]));
        await Eventually.HoldsAsync(() => core.Stopped.Count == 1);
        gate.SetResult();
        await Eventually.EndsAsync(core.Service.SetImageAsync(Centos, Web01, null, null, CancellationToken.None));
        await core.PassesUntilAsync(() => core.Pool is { Ready: 1, Job: null });
        Assert.Equal([3, 1], core.Passes.Select(pass => pass.Copies));
    }

    [Fact]
    public async Task Cancelling_a_filling_never_raises_the_level()
    {
        var job = (await SetLevelAsync(2)).JobId!;
        await Eventually.HoldsAsync(() => core.Passes.Count == 1);
        core.AddCopies(5);
        await core.Scanner.ScanAsync(CancellationToken.None);

        // The reconciler may see first that the level is reached, and end the job.
        var refused = await Record.ExceptionAsync(() => Eventually.EndsAsync(core.Service.CancelJobAsync(job, CancellationToken.None)));
        Assert.True(refused is null or RefusedException { Reason: Refusal.JobConflict }, refused?.ToString());
        Assert.Equal((2, 2), (core.Pool.Wanted, core.Levels[Centos]));
    }

    [Fact]
    public async Task Cancelling_a_filling_remembers_the_level_that_it_sets()
    {
        var job = (await SetLevelAsync(4)).JobId!;
        core.Volume.Setup(volume => volume.WriteLevelAsync(Centos, It.IsAny<int>(), It.IsAny<CancellationToken>()))
            .Callback((ImageName _, int level, CancellationToken _) =>
            {
                core.Levels[Centos] = level;
                core.Pool.Put(Copy(9));
            })
            .Returns(Task.CompletedTask);
        await Eventually.EndsAsync(core.Service.CancelJobAsync(job, CancellationToken.None));
        Assert.Equal(core.Levels[Centos], core.Pool.Wanted);
    }

    [Fact]
    public async Task A_job_that_is_over_cannot_be_cancelled()
    {
        gate.SetResult();
        var begun = await core.Service.StartSetImageAsync(Centos, Web01, null, null, CancellationToken.None);
        await Eventually.HoldsAsync(() => core.Service.GetJob(begun.Id).State == JobState.Succeeded);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => core.Service.CancelJobAsync(begun.Id, CancellationToken.None));
        Assert.Equal((Refusal.JobConflict, JobState.Succeeded), (refused.Reason, core.Service.ListJobs().First(job => job.Id == begun.Id).State));
    }

    private async Task<PoolStatus> SetLevelAsync(int level) =>
        (await core.Service.SetLevelsAsync(new Dictionary<ImageName, int> { [Centos] = level }, CancellationToken.None)).Single();
}
