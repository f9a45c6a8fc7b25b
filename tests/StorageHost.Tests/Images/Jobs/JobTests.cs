using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Jobs;

public sealed class JobTests : IDisposable
{
    private readonly ManualTimeProvider clock = new();
    private readonly Job job;

    public JobTests() => job = new Job("1a", JobKind.Fill, Centos, null, clock);

    public void Dispose() => job.Dispose();

    [Fact]
    public void It_begins_queued_for_one_copy()
    {
        var status = job.Snapshot();
        Assert.Equal(("1a", JobKind.Fill, Centos, JobState.Queued), (status.Id, status.Kind, status.Image, status.State));
        Assert.Equal((0, 1, 0L, 0L, 0L), (status.CopiesDone, status.CopiesTotal, status.BytesDone, status.BytesTotal, status.BytesPerSecond));
        Assert.Equal((null, null, null, ManualTimeProvider.Start, null), (status.Eta, status.Error, status.Disk, status.Created, status.Ended));
        Assert.False(job.IsOver);
    }

    [Fact]
    public void It_tells_how_far_it_is_how_fast_and_how_long_it_will_take()
    {
        clock.Advance(TimeSpan.FromSeconds(30));
        job.Expect(4);
        job.BeginPass(2, 1000);
        clock.Advance(TimeSpan.FromSeconds(5));
        job.Progress(500);
        var status = job.Snapshot();
        Assert.Equal((JobState.Running, 0, 4), (status.State, status.CopiesDone, status.CopiesTotal));
        Assert.Equal((1000L, 4000L, 200L, TimeSpan.FromSeconds(15)), (status.BytesDone, status.BytesTotal, status.BytesPerSecond, status.Eta));
        Assert.Equal((2, 1.0), (job.CopiesAtOnce, job.CopiesLeft));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public void Its_speed_does_not_go_by_a_clock_that_is_set(int hours)
    {
        job.BeginPass(1, 1000);
        clock.Advance(TimeSpan.FromSeconds(5));
        job.Progress(500);
        clock.Set(TimeSpan.FromHours(hours));
        Assert.Equal((100L, TimeSpan.FromSeconds(5)), (job.Snapshot().BytesPerSecond, job.Snapshot().Eta));
    }

    [Fact]
    public void Its_passes_add_up()
    {
        job.Expect(3);
        job.BeginPass(2, 1000);
        job.Progress(1000);
        clock.Advance(TimeSpan.FromSeconds(10));
        job.EndPass(2);
        job.Expect(1);
        job.BeginPass(1, 1000);
        job.Progress(500);
        var status = job.Snapshot();
        Assert.Equal((2, 3, 2500L, 3000L, 250L, TimeSpan.FromSeconds(2)),
            (status.CopiesDone, status.CopiesTotal, status.BytesDone, status.BytesTotal, status.BytesPerSecond, status.Eta));
        Assert.Equal(0.5, job.CopiesLeft);
    }

    [Fact]
    public void Before_anything_was_copied_nobody_can_tell_how_long()
    {
        job.BeginPass(1, 1000);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((0L, null), (job.Snapshot().BytesPerSecond, job.Snapshot().Eta));
        Assert.Equal(1.0, job.CopiesLeft);
    }

    [Fact]
    public void What_hinders_it_is_told_until_it_goes_on()
    {
        job.Hinder("the volume is full");
        Assert.Equal((JobState.Queued, "the volume is full"), (job.Snapshot().State, job.Snapshot().Error));
        job.BeginPass(1, 1000);
        Assert.Equal((JobState.Running, null), (job.Snapshot().State, job.Snapshot().Error));
    }

    [Fact]
    public void A_pass_that_made_nothing_leaves_nothing_in_the_making()
    {
        job.BeginPass(3, 1000);
        job.Progress(900);
        job.EndPass(0);
        Assert.Equal((0, 0L), (job.CopiesAtOnce, job.Snapshot().BytesDone));
    }

    [Theory]
    [InlineData("Succeeded")]
    [InlineData("Failed")]
    [InlineData("Cancelled")]
    public void Once_over_it_changes_no_more(string state)
    {
        job.Expect(2);
        job.BeginPass(2, 1000);
        job.Progress(500);
        clock.Advance(TimeSpan.FromSeconds(10));
        End(state);
        var over = job.Snapshot();
        clock.Advance(TimeSpan.FromSeconds(10));
        job.Succeed();
        job.Fail("no");
        job.EndCancelled();
        job.Hinder("no");
        job.Expect(9);
        job.Progress(9);
        job.BeginPass(9, 9);
        job.EndPass(9);
        Assert.Equal(over, job.Snapshot());
        Assert.Equal((state, ManualTimeProvider.Start.AddSeconds(10), null), (over.State.ToString(), over.Ended, over.Eta));
        Assert.Equal(state == "Failed" ? "because" : null, over.Error);
        Assert.True(job.IsOver);
        Assert.Equal(0, job.CopiesAtOnce);
    }

    [Fact]
    public void A_published_disk_is_its_one_copy()
    {
        var disk = new PublishedDisk(Web01, Centos, Names.SystemDisk(Web01), DiskSource.Pool);
        using var publishing = new Job("2b", JobKind.SetImage, Centos, Web01, clock);
        publishing.Succeed(disk);
        var status = publishing.Snapshot();
        Assert.Equal((JobState.Succeeded, disk, Web01, 1, 1), (status.State, status.Disk, status.Hostname, status.CopiesDone, status.CopiesTotal));
    }

    [Fact]
    public void Cancelling_tells_whoever_works_on_it()
    {
        Assert.False(job.Cancelled.IsCancellationRequested);
        job.Cancel();
        Assert.True(job.Cancelled.IsCancellationRequested);
    }

    private void End(string state)
    {
        switch (state)
        {
            case "Succeeded": job.Succeed(); break;
            case "Failed": job.Fail("because"); break;
            default: job.EndCancelled(); break;
        }
    }
}
