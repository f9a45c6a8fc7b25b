using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Jobs;
using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

public sealed class PoolTests
{
    private readonly Pool pool = new(Centos);

    [Fact]
    public void A_ready_copy_is_taken_once()
    {
        pool.Put(Copy(3));
        var (copy, next) = pool.TakeOrWait(CancellationToken.None);
        Assert.Equal((Copy(3), null), (copy, next));
        Assert.Null(pool.Take());
        Assert.Equal(0, pool.Ready);
    }

    [Fact]
    public async Task A_copy_that_is_held_counts_as_ready_and_is_taken_first()
    {
        pool.Put(Copy(3));
        var claim = Claim();
        pool.Hold(claim);
        Assert.Equal((2, 1), (pool.Ready, pool.Held));
        Assert.Same(claim, await Eventually.EndsAsync(pool.TakeOrWait(CancellationToken.None).Next!));
        Assert.Null(pool.TakeHeld());
        Assert.Equal((1, 0), (pool.Ready, pool.Held));
    }

    [Fact]
    public async Task What_would_be_held_goes_to_whoever_waits()
    {
        var next = pool.TakeOrWait(CancellationToken.None).Next!;
        var claim = Claim();
        pool.Hold(claim);
        Assert.Same(claim, await Eventually.EndsAsync(next));
        Assert.Equal(0, pool.Held);
    }

    [Fact]
    public void What_was_held_in_a_session_that_has_ended_is_let_go()
    {
        var released = new List<string>();
        var (lost, kept) = (Claim("lost", file => released.Add(file.Name)), Claim("kept"));
        pool.Hold(lost);
        pool.Hold(kept);
        lost.File.IsLost = true;
        Assert.Same(kept, pool.TakeHeld());
        Assert.Equal(["lost"], released);
    }

    [Fact]
    public void A_scan_gives_up_what_is_held_of_another_template()
    {
        var (old, current) = (Claim("old", of: Old), Claim("new", of: New));
        pool.Hold(old);
        pool.Hold(current);
        pool.BeginScan();
        Assert.Equal([old], pool.EndScan(Template(fingerprint: New), [], 0, 2));
        Assert.Equal((1, false), (pool.Held, pool.TryForget()));
        Assert.Equal([current], pool.EndScan(null, [], 0, 0));
        Assert.True(pool.TryForget());
    }

    [Fact]
    public async Task Who_finds_no_copy_waits_for_the_next_claim()
    {
        var (copy, next) = pool.TakeOrWait(CancellationToken.None);
        Assert.Null(copy);
        Assert.Equal(1, pool.Waiting);
        var claim = Claim();
        Assert.True(pool.TryHandOver(claim));
        Assert.Same(claim, await Eventually.EndsAsync(next!));
        Assert.Equal(0, pool.Waiting);
        Assert.False(pool.TryHandOver(Claim()));
    }

    [Fact]
    public async Task Claims_are_handed_over_in_the_order_of_waiting()
    {
        var waits = Enumerable.Range(0, 5).Select(_ => pool.TakeOrWait(CancellationToken.None).Next!).ToArray();
        var claims = waits.Select(_ => Claim()).ToArray();
        Assert.All(claims, claim => Assert.True(pool.TryHandOver(claim)));
        Assert.Equal(claims, await Eventually.EndsAsync(Task.WhenAll(waits)));
    }

    [Fact]
    public async Task Who_is_cancelled_loses_the_place_and_gets_no_claim()
    {
        using var gone = new CancellationTokenSource();
        var first = pool.TakeOrWait(gone.Token).Next!;
        var second = pool.TakeOrWait(CancellationToken.None).Next!;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(first));
        Assert.Equal(1, pool.Waiting);
        var claim = Claim();
        Assert.True(pool.TryHandOver(claim));
        Assert.Same(claim, await Eventually.EndsAsync(second));
        Assert.False(pool.TryHandOver(Claim()));
    }

    [Fact]
    public async Task Who_comes_cancelled_does_not_wait()
    {
        var (copy, next) = pool.TakeOrWait(new CancellationToken(canceled: true));
        Assert.Null(copy);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(next!));
        Assert.Equal(0, pool.Waiting);
    }

    [Fact]
    public async Task A_copy_that_is_put_back_wakes_one_who_waits()
    {
        var first = pool.TakeOrWait(CancellationToken.None).Next!;
        var second = pool.TakeOrWait(CancellationToken.None).Next!;
        pool.Put(Copy(1));
        Assert.Null(await Eventually.EndsAsync(first));
        Assert.False(second.IsCompleted);
        Assert.Equal(Copy(1), pool.Take());
    }

    [Fact]
    public async Task When_there_will_be_no_copy_all_who_wait_are_told()
    {
        var waits = Enumerable.Range(0, 3).Select(_ => pool.TakeOrWait(CancellationToken.None).Next!).ToArray();
        pool.FailWaiters(new RefusedException(Refusal.NoSpace, "full"));
        foreach (var wait in waits)
        {
            Assert.Equal(Refusal.NoSpace, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(wait))).Reason);
        }

        Assert.Equal(0, pool.Waiting);
    }

    [Fact]
    public void What_became_of_claims_is_counted()
    {
        pool.Count(ClaimOutcome.Hit);
        pool.Count(ClaimOutcome.Abandoned);
        pool.Count(ClaimOutcome.Hit);
        Assert.Equal([2, 0, 0, 0, 0, 0, 0, 1], Enum.GetValues<ClaimOutcome>().Select(pool.Claims));
    }

    [Fact]
    public void There_is_one_job_at_a_time()
    {
        var jobs = new JobTable(TimeProvider.System);
        var job = pool.BeginJob(jobs);
        Assert.Same(job, pool.BeginJob(jobs));
        Assert.Equal((JobKind.Fill, Centos), (job.Kind, job.Image));
        Assert.Null(pool.EndJob(jobs.Begin(JobKind.Fill, Centos)));
        Assert.Same(job, pool.EndJob(job));
        Assert.Null(pool.Job);
        Assert.Null(pool.EndJob());
        Assert.NotSame(job, pool.BeginJob(jobs));
    }

    [Fact]
    public async Task No_claim_is_lost_or_doubled_however_waiting_handing_over_and_cancelling_fall_together()
    {
        const int Rounds = 2000;
        var handed = 0;
        using var handOver = new SemaphoreSlim(0);
        var maker = Task.Run(async () =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                await handOver.WaitAsync();
                handed += pool.TryHandOver(Claim()) ? 1 : 0;
            }
        });
        var received = 0;
        for (var round = 0; round < Rounds; round++)
        {
            using var gone = new CancellationTokenSource();
            var wait = pool.TakeOrWait(gone.Token).Next!;
            handOver.Release();
            await gone.CancelAsync();
            try
            {
                received += await Eventually.EndsAsync(wait) is not null ? 1 : 0;
            }
            catch (OperationCanceledException)
            {
                // The claim, if one was handed over just then, went to nobody.
            }
        }

        await Eventually.EndsAsync(maker);
        Assert.Equal(handed, received);
        Assert.Equal(0, pool.Waiting);
    }
}
