using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images.Pools;

public sealed class PoolTableTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly ManualTimeProvider clock = new();
    private readonly PoolTable pools;

    public PoolTableTests() => pools = new PoolTable(clock);

    public void Dispose() => pools.Dispose();

    [Fact]
    public void There_is_one_pool_for_each_image_and_they_are_sorted()
    {
        var debian = pools.Get(Debian);
        Assert.Same(debian, pools.Get(Debian));
        Assert.Null(pools.Find(Centos));
        Assert.Equal([pools.Get(Centos), debian], pools.All);
    }

    [Fact]
    public async Task A_pool_is_forgotten_only_when_nothing_is_left_of_it()
    {
        var pool = pools.Get(Centos);
        pool.Put(Copy(1));
        pools.Forget(pool);
        pool.Take();
        pool.SetWanted(1);
        pools.Forget(pool);
        pool.SetWanted(0);
        _ = pool.TakeOrWait(CancellationToken.None);
        pools.Forget(pool);
        Assert.Same(pool, pools.Find(Centos));
        pool.TryHandOver(Claim());
        pools.Forget(pool);
        Assert.Null(pools.Find(Centos));
        Assert.Null(await Eventually.EndsAsync(pool.TakeOrWait(CancellationToken.None).Next!));
        Assert.Equal(0, pool.Waiting);
    }

    [Fact]
    public void A_pool_that_is_being_filled_is_not_forgotten()
    {
        var jobs = new JobTable(clock);
        var pool = pools.Get(Centos);
        pool.BeginJob(jobs);
        pools.Forget(pool);
        Assert.Same(pool, pools.Find(Centos));
        pool.EndJob();
        pools.Forget(pool);
        Assert.Null(pools.Find(Centos));
    }

    [Fact]
    public void Who_forgets_a_pool_for_the_second_time_leaves_its_successor()
    {
        var pool = pools.Get(Centos);
        pools.Forget(pool);
        var successor = pools.Get(Centos);
        pools.Forget(pool);
        Assert.Same(successor, pools.Find(Centos));
    }

    [Fact]
    public void Places_in_the_queue_are_given_out_up_to_the_limit_and_taken_back()
    {
        using var first = pools.EnterQueue(2);
        pools.EnterQueue(2).Dispose();
        using var second = pools.EnterQueue(2);
        Assert.Equal(Refusal.TooManyRequests, Assert.Throws<RefusedException>(() => pools.EnterQueue(2)).Reason);
    }

    [Fact]
    public async Task A_ring_is_heard_once_even_when_nobody_listened_yet()
    {
        pools.Ring();
        pools.Ring();
        await Eventually.EndsAsync(pools.ListenAsync(Limit, CancellationToken.None));
        var next = pools.ListenAsync(Limit, CancellationToken.None);
        Assert.False(next.IsCompleted);
        pools.Ring();
        await Eventually.EndsAsync(next);
    }

    [Fact]
    public async Task Listening_ends_after_its_limit_without_a_ring()
    {
        var listening = pools.ListenAsync(Limit, CancellationToken.None);
        clock.Advance(Limit - TimeSpan.FromTicks(1));
        Assert.False(listening.IsCompleted);
        clock.Advance(TimeSpan.FromTicks(1));
        await Eventually.EndsAsync(listening);
    }

    [Fact]
    public async Task Listening_is_cancelled_with_the_daemon()
    {
        using var stopping = new CancellationTokenSource();
        var listening = pools.ListenAsync(Limit, stopping.Token);
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(listening));
    }
}
