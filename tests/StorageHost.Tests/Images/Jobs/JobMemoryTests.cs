using Moq;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Ports;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Jobs;

public sealed class JobMemoryTests : IAsyncLifetime
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly ManualTimeProvider time = new();
    private readonly JobTable jobs;
    private readonly JobMemory memory;
    private readonly List<JobStatus> written = [];
    private IReadOnlyList<JobStatus> remembered = [];
    private int looks;
    private volatile bool isAway;

    public JobMemoryTests()
    {
        jobs = new JobTable(time);
        var journal = new Mock<IJobJournal>();
        journal.Setup(port => port.WriteAsync(It.IsAny<JobStatus>(), It.IsAny<CancellationToken>())).Returns((JobStatus job, CancellationToken _) =>
        {
            if (isAway)
            {
                return Task.FromException(new RefusedException(Refusal.StorageUnavailable, "away"));
            }

            lock (written)
            {
                written.Add(job);
            }

            return Task.CompletedTask;
        });
        journal.Setup(port => port.ReadAsync(It.IsAny<Func<string, bool>>(), It.IsAny<CancellationToken>())).ReturnsAsync(() =>
        {
            Interlocked.Increment(ref looks);
            return remembered;
        });
        memory = new JobMemory(jobs, journal.Object, new StorageOptions { RescanInterval = Interval / 2 }, time);
    }

    public Task InitializeAsync() => memory.StartAsync(CancellationToken.None);

    public async Task DisposeAsync()
    {
        // It waits for jobs that have not ended, for so long by the clock.
        var stopping = memory.StopAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => stopping.IsCompleted, time, TimeSpan.FromMilliseconds(500));
        await stopping;
        memory.Dispose();
    }

    [Fact]
    public async Task An_import_is_remembered_when_it_begins_and_as_it_ended()
    {
        var job = jobs.Begin(JobKind.Import, Centos);
        await Eventually.HoldsAsync(() => Written is ["Queued"]);
        job.Fail("no room", Refusal.NoSpace);
        await Eventually.HoldsAsync(() => Written is ["Queued", "Failed"]);
    }

    [Fact]
    public async Task Other_jobs_are_not()
    {
        jobs.Begin(JobKind.Fill, Centos).EndCancelled();
        jobs.Begin(JobKind.SetImage, Centos, Web01).Succeed();
        jobs.Begin(JobKind.Import, Centos).Succeed();
        await Eventually.HoldsAsync(() => Written is [.., "Succeeded"]);
        Assert.All(written, job => Assert.Equal(JobKind.Import, job.Kind));
    }

    [Fact]
    public async Task While_the_storage_is_away_it_waits()
    {
        isAway = true;
        jobs.Begin(JobKind.Import, Centos).Succeed();
        await Eventually.HoldsAsync(() => time.Waits is [var wait] && wait == Interval);
        isAway = false;
        await Eventually.HoldsAsync(() => Written is ["Succeeded"], time, Interval);
    }

    [Fact]
    public async Task What_others_left_is_told_beside_the_own_jobs_newest_first()
    {
        var own = jobs.Begin(JobKind.Import, Centos);
        remembered = [Earlier("a", -1), Earlier("b", 1), Earlier(own.Id, 0)];
        await Eventually.HoldsAsync(() => jobs.Earlier.Count == 3, time, Interval);
        Assert.Equal(["b", own.Id, "a"], jobs.Snapshots().Select(job => job.Id), StringComparer.Ordinal);
        Assert.Equal((JobState.Queued, JobState.Failed), (jobs.Snapshot(own.Id).State, jobs.Snapshot("a").State));
        Assert.Throws<RefusedException>(() => jobs.Snapshot("c"));
    }

    [Fact]
    public async Task A_job_that_ends_with_the_daemon_is_remembered()
    {
        var job = jobs.Begin(JobKind.Import, Centos);
        await Eventually.HoldsAsync(() => Written is ["Queued"]);
        var stopping = memory.StopAsync(CancellationToken.None);
        job.Fail("the daemon was stopped", Refusal.ShuttingDown);
        await Eventually.EndsAsync(stopping);
        Assert.Equal(["Queued", "Failed"], Written, StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_job_that_does_not_end_does_not_keep_the_daemon()
    {
        jobs.Begin(JobKind.Import, Centos);
        var stopping = memory.StopAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => stopping.IsCompleted, time, TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public async Task At_rest_it_looks_once_in_an_interval()
    {
        await Eventually.HoldsAsync(() => time.Waits is [var wait] && wait == Interval);
        var before = looks;
        time.Advance(Interval);
        await Eventually.HoldsAsync(() => looks == before + 1 && time.Timers == 1);
    }

    private string[] Written
    {
        get
        {
            lock (written)
            {
                return [.. written.Select(job => job.State.ToString())];
            }
        }
    }

    private static JobStatus Earlier(string id, int minutes) => new(
        id, JobKind.Import, Debian, null, JobState.Failed, 0, 0, 0, 0, 0, null, "no", null, ManualTimeProvider.Start.AddMinutes(minutes),
        ManualTimeProvider.Start.AddMinutes(minutes));
}
