using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Images.Pools;

public sealed class RateLimitTests
{
    private readonly ManualTimeProvider time = new();

    [Fact]
    public void Without_a_rate_nothing_waits() => Assert.True(new RateLimit(() => 0, time).WaitAsync(long.MaxValue, CancellationToken.None).AsTask().IsCompletedSuccessfully);

    [Fact]
    public async Task What_is_ahead_of_its_rate_waits_until_it_is_not()
    {
        var limit = new RateLimit(() => 1000, time);
        var waiting = limit.WaitAsync(2500, CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(2499));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await Eventually.EndsAsync(waiting);
    }

    [Fact]
    public void What_is_behind_its_rate_goes_on()
    {
        var limit = new RateLimit(() => 1000, time);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(limit.WaitAsync(10_000, CancellationToken.None).AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_rate_that_is_changed_holds_for_what_comes_after()
    {
        var rate = 0L;
        var limit = new RateLimit(() => rate, time);
        await limit.WaitAsync(1_000_000, CancellationToken.None);
        rate = 1000;
        await limit.WaitAsync(1_000_000, CancellationToken.None);
        var waiting = limit.WaitAsync(1_002_000, CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(1999));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await Eventually.EndsAsync(waiting);
    }
}
