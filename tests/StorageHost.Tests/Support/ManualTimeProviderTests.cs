using Xunit;

namespace StorageHost.Tests.Support;

public sealed class ManualTimeProviderTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider clock = new();

    [Fact]
    public void Timers_are_counted_while_they_are_set()
    {
        using var once = clock.CreateTimer(_ => { }, null, Second, Timeout.InfiniteTimeSpan);
        var repeated = clock.CreateTimer(_ => { }, null, Second, Second);
        using var idle = clock.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Assert.Equal(2, clock.Timers);
        clock.Advance(Second);
        Assert.Equal(1, clock.Timers);
        once.Change(Second, Timeout.InfiniteTimeSpan);
        once.Change(2 * Second, Timeout.InfiniteTimeSpan);
        idle.Change(Second, Timeout.InfiniteTimeSpan);
        Assert.Equal(3, clock.Timers);
        idle.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        repeated.Dispose();
        Assert.Equal(1, clock.Timers);
    }

    [Fact]
    public void A_timer_may_be_set_again_while_it_rings()
    {
        var rung = 0;
        ITimer? timer = null;
        timer = clock.CreateTimer(_ => timer!.Change(++rung < 3 ? Second : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan), null, Second, Timeout.InfiniteTimeSpan);
        clock.Advance(Second);
        Assert.Equal((1, 1), (rung, clock.Timers));
        clock.Advance(Second);
        clock.Advance(Second);
        Assert.Equal((3, 0), (rung, clock.Timers));
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(2)]
    public void When_it_is_set_no_time_goes_by(int hours)
    {
        var rung = 0;
        using var timer = clock.CreateTimer(_ => rung++, null, Second, Timeout.InfiniteTimeSpan);
        clock.Set(TimeSpan.FromHours(hours));
        clock.Advance(Second / 2);
        Assert.Equal((ManualTimeProvider.Start + TimeSpan.FromHours(hours) + (Second / 2), 0), (clock.GetUtcNow(), rung));
        Assert.Equal(Second / 2, clock.GetElapsedTime(ManualTimeProvider.Start.Ticks));
        clock.Advance(Second / 2);
        Assert.Equal(1, rung);
    }

    [Fact]
    public async Task It_drives_the_delays_and_limits_of_the_base_library()
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(10), clock);
        var delay = Task.Delay(TimeSpan.FromSeconds(5), clock);
        clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(delay.IsCompleted || late.IsCancellationRequested);
        clock.Advance(TimeSpan.FromSeconds(6));
        await Eventually.EndsAsync(delay);
        Assert.True(late.IsCancellationRequested);
    }
}
