using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Ports;
using StorageHost.Tests.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Catalog;

public sealed class JobJournalTests : IAsyncLifetime
{
    private readonly Store store = Store.Quick();
    private Daemon daemon = null!;

    public async Task InitializeAsync() => daemon = await Daemon.StartAsync(store);

    public async Task DisposeAsync()
    {
        await daemon.DisposeAsync();
        store.Dispose();
    }

    [Fact]
    public async Task Before_any_ended_there_are_none() => Assert.Empty(await ReadAsync(daemon));

    [Fact]
    public async Task How_a_job_ended_is_known_to_every_daemon_and_the_next()
    {
        await using var other = await Daemon.StartAsync(store);
        JobStatus[] jobs = [Job(1, JobState.Succeeded), Job(2, JobState.Failed) with { Error = "no room", Refusal = Refusal.NoSpace, Hostname = Sample.Web01 }];
        await daemon.Journal.WriteAsync(jobs[0], CancellationToken.None);
        await other.Journal.WriteAsync(jobs[1], CancellationToken.None);
        Assert.Equal(jobs, await ReadAsync(daemon));
        Assert.Equal(jobs, await ReadAsync(other));
        await daemon.DisposeAsync();
        daemon = await Daemon.StartAsync(store);
        Assert.Equal(jobs, await ReadAsync(daemon));
        Assert.Empty(store.Private);
    }

    [Fact]
    public async Task A_job_that_runs_is_nobody_elses_to_tell()
    {
        await using var other = await Daemon.StartAsync(store);
        await daemon.Journal.WriteAsync(Job(1, JobState.Running), CancellationToken.None);
        Assert.Empty(await ReadAsync(other));
        Assert.Empty(await ReadAsync(daemon));
        await daemon.Journal.WriteAsync(Job(1, JobState.Cancelled), CancellationToken.None);
        Assert.Equal(JobState.Cancelled, Assert.Single(await ReadAsync(other)).State);
        Assert.Equal(["0000000000000001.ended"], Remembered, StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_job_whose_daemon_died_has_failed()
    {
        await daemon.Journal.WriteAsync(Job(1, JobState.Running), CancellationToken.None);
        await daemon.CrashAsync();
        daemon = await Daemon.StartAsync(store);

        // Its private directory says that it may live, until it was recovered.
        Assert.Empty(await ReadAsync(daemon));
        await daemon.RecoverAsync();
        var job = Assert.Single(await ReadAsync(daemon));
        Assert.Equal(
            (JobState.Failed, "interrupted: the daemon that ran it ended before it did", ManualTimeProvider.Start), (job.State, job.Error, job.Ended));
        Assert.Equal(["0000000000000001.ended"], Remembered, StringComparer.Ordinal);
        Assert.Equal(job, Assert.Single(await ReadAsync(daemon)));
    }

    [Fact]
    public async Task What_this_daemon_runs_is_not_interrupted_by_a_new_session()
    {
        await daemon.Journal.WriteAsync(Job(1, JobState.Running), CancellationToken.None);
        await daemon.CrashAsync();
        daemon = await Daemon.StartAsync(store);
        await daemon.RecoverAsync();
        Assert.Empty(await daemon.Journal.ReadAsync(id => id == "0000000000000001", CancellationToken.None));
    }

    [Fact]
    public async Task A_job_that_ended_is_not_told_as_interrupted_when_its_beginning_is_left_over()
    {
        await daemon.Journal.WriteAsync(Job(1, JobState.Running), CancellationToken.None);
        var begun = await File.ReadAllBytesAsync(store[".storagehost/jobs/0000000000000001.begun"]);
        await daemon.Journal.WriteAsync(Job(1, JobState.Succeeded), CancellationToken.None);
        await File.WriteAllBytesAsync(store[".storagehost/jobs/0000000000000001.begun"], begun);
        await daemon.CrashAsync();
        daemon = await Daemon.StartAsync(store);
        await daemon.RecoverAsync();
        Assert.Equal(JobState.Succeeded, Assert.Single(await ReadAsync(daemon)).State);
        Assert.Equal(["0000000000000001.ended"], Remembered, StringComparer.Ordinal);
    }

    [Fact]
    public async Task The_oldest_above_500_are_forgotten()
    {
        for (var number = 1; number <= IJobJournal.Most + 2; number++)
        {
            await daemon.Journal.WriteAsync(Job(number, JobState.Succeeded), CancellationToken.None);
        }

        var jobs = await ReadAsync(daemon);
        Assert.Equal((IJobJournal.Most, "0000000000000003"), (jobs.Count, jobs[0].Id));
        Assert.Equal(IJobJournal.Most, Remembered.Count());
    }

    [Theory]
    [InlineData("0000000000000002.ended", "")]
    [InlineData("0000000000000002.ended", "{")]
    [InlineData("0000000000000002.ended", "null")]
    [InlineData("0000000000000002.ended", "{}")]
    [InlineData("0000000000000002.ended", """{"owner":".storagehost/x","kind":"Import","image":"../x","hostname":null,"state":"Failed","copies_done":0,"bytes_done":0,"bytes_total":0,"bytes_per_second":0,"error":null,"refusal":null,"created":"2040-05-01T12:00:00+00:00","ended":"2040-05-01T12:00:00+00:00"}""")]
    [InlineData("0000000000000002.begun", """{"owner":"../../etc","kind":"Import","image":"centos","hostname":null,"state":"Running","copies_done":0,"bytes_done":0,"bytes_total":0,"bytes_per_second":0,"error":null,"refusal":null,"created":"2040-05-01T12:00:00+00:00","ended":null}""")]
    [InlineData("0000000000000002.begun", "{")]
    [InlineData("../jobs/x", "{}")]
    [InlineData("x.ended", "{}")]
    public async Task What_is_no_job_is_left_out(string name, string content)
    {
        await daemon.Journal.WriteAsync(Job(1, JobState.Succeeded), CancellationToken.None);
        await File.WriteAllTextAsync(store[$".storagehost/jobs/{name}"], content);
        Assert.Equal("0000000000000001", Assert.Single(await ReadAsync(daemon)).Id);
    }

    private IEnumerable<string?> Remembered => Directory.EnumerateFiles(store[".storagehost/jobs"]).Select(Path.GetFileName);

    private static async Task<IReadOnlyList<JobStatus>> ReadAsync(Daemon by) =>
        [.. (await by.Journal.ReadAsync(_ => false, CancellationToken.None)).OrderBy(job => job.Id, StringComparer.Ordinal)];

    private static JobStatus Job(int number, JobState state) => new(
        $"{number:x16}", JobKind.Import, Sample.Centos, null, state, state == JobState.Succeeded ? 1 : 0, state == JobState.Succeeded ? 1 : 0, 5, 7, 3, null, null, null,
        ManualTimeProvider.Start.AddMinutes(number), state == JobState.Running ? null : ManualTimeProvider.Start.AddMinutes(number).AddSeconds(1));
}
