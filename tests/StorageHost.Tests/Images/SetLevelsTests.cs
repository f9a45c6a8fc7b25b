using Moq;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images;

public sealed class SetLevelsTests : IAsyncLifetime
{
    private readonly Core core = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await core.DisposeAsync();

    [Fact]
    public async Task It_answers_at_once_and_a_job_fills()
    {
        var status = (await SetAsync((Centos, 3))).Single();
        Assert.Equal((Centos, 3, 0), (status.Image, status.Wanted, status.Ready));
        var job = core.Service.GetJob(status.JobId!);
        Assert.Equal((JobKind.Fill, JobState.Queued, 3), (job.Kind, job.State, job.CopiesTotal));
        Assert.Equal((3, 0), (core.Levels[Centos], core.Passes.Count));
        await core.StartAsync();
        await Eventually.HoldsAsync(() => core.Pool.Ready == 3 && core.Service.GetJob(status.JobId!).State == JobState.Succeeded);
    }

    [Fact]
    public async Task A_level_is_no_increment()
    {
        core.AddCopies(3);
        core.Levels[Centos] = 3;
        await core.StartAsync();
        Assert.Null((await SetAsync((Centos, 3))).Single().JobId);
        Assert.Equal((3, 0), (core.Pool.Ready, core.Passes.Count));
    }

    [Fact]
    public async Task Several_are_set_together_and_answered_sorted()
    {
        core.Templates[Debian] = Template(Debian);
        Assert.Equal([Centos, Debian], (await SetAsync((Debian, 1), (Centos, 2))).Select(status => status.Image));
    }

    [Theory]
    [InlineData("ImageNotFound")]
    [InlineData("ImageRejected")]
    [InlineData("StorageUnavailable")]
    public async Task Nothing_is_set_unless_every_image_may_be(string reason)
    {
        core.Volume.Setup(volume => volume.InspectTemplateAsync(Debian, It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RefusedException(Enum.Parse<Refusal>(reason), "no"));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => SetAsync((Centos, 2), (Debian, 1)));
        Assert.Equal((reason, 0, 0), (refused.Reason.ToString(), core.Levels.Count, core.Pool.Wanted));
        Assert.Empty(core.Jobs.All);
    }

    [Fact]
    public async Task A_template_that_must_not_be_served_can_still_be_set_to_none()
    {
        core.Volume.Setup(volume => volume.InspectTemplateAsync(Centos, It.IsAny<CancellationToken>()))
            .ThrowsAsync(new RefusedException(Refusal.ImageRejected, "no"));
        Assert.Equal(0, (await SetAsync((Centos, 0))).Single().Wanted);
    }

    [Fact]
    public async Task The_level_of_an_image_without_a_template_can_be_set_to_none()
    {
        core.Levels[Centos] = 2;
        await core.StartAsync();
        core.Templates.Clear();
        Assert.Equal(0, (await SetAsync((Centos, 0))).Single().Wanted);
        Assert.Equal((0, 0), (core.Levels[Centos], core.Pool.Wanted));
    }

    [Fact]
    public async Task A_level_that_is_written_while_its_image_is_deleted_does_not_stay()
    {
        core.Volume.Setup(volume => volume.WriteLevelAsync(Centos, 2, It.IsAny<CancellationToken>()))
            .Callback(() =>
            {
                core.Levels[Centos] = 2;
                core.Templates.Clear();
            })
            .Returns(Task.CompletedTask);
        Assert.Equal(Refusal.ImageNotFound, (await Assert.ThrowsAsync<RefusedException>(() => SetAsync((Centos, 2)))).Reason);
        Assert.Equal((0, 0), (core.Levels[Centos], core.Pool.Wanted));
    }

    [Fact]
    public async Task A_level_that_could_not_be_remembered_is_not_kept()
    {
        core.Volume.Setup(volume => volume.WriteLevelAsync(Centos, 2, It.IsAny<CancellationToken>())).ThrowsAsync(new RefusedException(Refusal.NoSpace, "full"));
        await Assert.ThrowsAsync<RefusedException>(() => SetAsync((Centos, 2)));
        Assert.Equal((0, null), (core.Pool.Wanted, core.Pool.Job));
    }

    [Fact]
    public async Task Pools_are_listed_when_anything_is_known_of_them()
    {
        core.Pools.Get(Debian);
        await SetAsync((Centos, 2));
        Assert.Equal([Centos], core.Service.ListPools().Select(status => status.Image));
        Assert.Equal(2, (await core.Service.GetPoolAsync(Centos, CancellationToken.None)).Wanted);
        var refused = await Assert.ThrowsAsync<RefusedException>(() => core.Service.GetPoolAsync(Debian, CancellationToken.None));
        Assert.Equal(Refusal.ImageNotFound, refused.Reason);
    }

    private Task<IReadOnlyList<PoolStatus>> SetAsync(params (ImageName Image, int Level)[] levels) =>
        core.Service.SetLevelsAsync(levels.ToDictionary(level => level.Image, level => level.Level), CancellationToken.None);
}
