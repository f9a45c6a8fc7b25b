using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Jobs;

public sealed class JobTableTests
{
    private const int Remembered = 500;

    private readonly JobTable jobs = new(new ManualTimeProvider());

    [Fact]
    public void A_job_is_found_by_its_id_and_the_newest_comes_first()
    {
        var first = jobs.Begin(JobKind.Fill, Centos);
        var second = jobs.Begin(JobKind.SetImage, Debian, Web01);
        Assert.Same(first, jobs.Get(first.Id));
        Assert.True(jobs.All is [var newest, var oldest] && newest == second && oldest == first);
        Assert.Matches("^[0-9a-f]{16}\\z", first.Id);
        Assert.False(first.Id == second.Id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123456789abcdef")]
    public void A_job_that_never_was_is_not_found(string id) =>
        Assert.Equal(Refusal.JobNotFound, Assert.Throws<RefusedException>(() => jobs.Get(id)).Reason);

    [Fact]
    public void The_oldest_that_are_over_are_forgotten()
    {
        var all = Enumerable.Range(0, Remembered + 3).Select(_ => Over()).ToArray();
        Assert.Equal(all.Skip(3).Reverse(), jobs.All);
        Assert.Throws<RefusedException>(() => jobs.Get(all[2].Id));
        Assert.Same(all[3], jobs.Get(all[3].Id));
    }

    [Fact]
    public void One_that_runs_is_never_forgotten()
    {
        var running = jobs.Begin(JobKind.Fill, Centos);
        for (var count = 0; count < 3 * Remembered; count++)
        {
            Over();
        }

        Assert.Same(running, jobs.Get(running.Id));
        Assert.Contains(running, jobs.All);
        Assert.InRange(jobs.All.Count, Remembered, Remembered + 1);
    }

    private Job Over()
    {
        var job = jobs.Begin(JobKind.Fill, Centos);
        job.Succeed();
        return job;
    }
}
