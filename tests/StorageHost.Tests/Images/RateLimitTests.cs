using StorageHost.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Images;

public sealed class RateLimitTests
{
    private readonly ManualTimeProvider time = new();

    [Fact]
    public void Without_a_rate_nothing_waits() => Assert.True(new RateLimit(0, time).WaitAsync(long.MaxValue, CancellationToken.None).AsTask().IsCompletedSuccessfully);

    [Fact]
    public async Task What_is_ahead_of_its_rate_waits_until_it_is_not()
    {
        var limit = new RateLimit(1000, time);
        var waiting = limit.WaitAsync(2500, CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(2499));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await Eventually.EndsAsync(waiting);
    }

    [Fact]
    public void What_is_behind_its_rate_goes_on()
    {
        var limit = new RateLimit(1000, time);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(limit.WaitAsync(10_000, CancellationToken.None).AsTask().IsCompletedSuccessfully);
    }
}
