using Xunit;

namespace StorageHost.Tests.Support;

public sealed class ManualTimeProviderTests
{
    private readonly ManualTimeProvider clock = new();

    [Fact]
    public void Timers_ring_in_the_order_of_their_times_and_see_them()
    {
        var rung = new List<(string, TimeSpan)>();
        using var late = clock.CreateTimer(_ => rung.Add(("late", clock.GetUtcNow() - ManualTimeProvider.Start)), null, TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan);
        using var early = clock.CreateTimer(_ => rung.Add(("early", clock.GetUtcNow() - ManualTimeProvider.Start)), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromSeconds(2.5));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([("early", TimeSpan.FromSeconds(1)), ("early", TimeSpan.FromSeconds(2)), ("late", TimeSpan.FromSeconds(3)), ("early", TimeSpan.FromSeconds(3))], rung);
        Assert.Equal(1, clock.Timers);
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
        Assert.Equal(TimeSpan.FromSeconds(10.9), clock.GetElapsedTime(ManualTimeProvider.Start.Ticks));
    }
}
