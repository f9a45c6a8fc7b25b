using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Images.Pools;

public sealed class BackoffTests
{
    private readonly ManualTimeProvider clock = new();
    private readonly Backoff backoff;

    public BackoffTests() => backoff = new Backoff(clock);

    [Fact]
    public void It_does_not_rest_before_anything_failed() => Assert.False(backoff.IsResting);

    [Fact]
    public void Each_failure_in_a_row_doubles_the_rest_up_to_a_minute() =>
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], Enumerable.Range(0, 9).Select(_ => RestedFor(backoff.Rest)));

    [Fact]
    public void Failures_during_a_rest_make_it_no_longer_and_the_next_neither()
    {
        Assert.Equal(1, RestedFor(() => Array.ForEach(new int[20], _ => backoff.Rest())));
        Assert.Equal(2, RestedFor(backoff.Rest));
    }

    [Fact]
    public void Success_makes_the_next_rest_short_again()
    {
        Assert.Equal(1, RestedFor(backoff.Rest));
        backoff.Rest();
        backoff.Reset();
        Assert.False(backoff.IsResting);
        Assert.Equal(1, RestedFor(backoff.Rest));
    }

    [Fact]
    public void Waiting_for_others_makes_it_no_more_patient()
    {
        Assert.Equal(5, RestedFor(() => backoff.RestFor(TimeSpan.FromSeconds(5))));
        Assert.Equal(1, RestedFor(backoff.Rest));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public void A_clock_that_is_set_makes_no_rest_longer_or_shorter(int hours)
    {
        backoff.Rest();
        clock.Set(TimeSpan.FromHours(hours));
        Assert.Equal(1, RestedFor(() => { }));
    }

    private int RestedFor(Action rest)
    {
        rest();
        var seconds = 0;
        for (; backoff.IsResting && seconds < 1000; seconds++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        return seconds;
    }
}
