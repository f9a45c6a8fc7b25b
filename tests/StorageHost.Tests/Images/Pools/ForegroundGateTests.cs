using StorageHost.Images.Pools;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Images.Pools;

public sealed class ForegroundGateTests
{
    private readonly ManualTimeProvider time = new();
    private readonly ForegroundGate gate;

    public ForegroundGateTests() => gate = new ForegroundGate(time);

    [Fact]
    public void Where_nothing_is_urgent_nobody_waits() => Assert.True(Yield().IsCompletedSuccessfully);

    [Fact]
    public async Task Who_gives_way_waits_until_the_last_has_passed_and_no_other_follows()
    {
        var (first, second) = (gate.Enter(), gate.Enter());
        var waiting = Yield();
        first.Dispose();
        time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.False(waiting.IsCompleted);
        second.Dispose();
        time.Advance(TimeSpan.FromMilliseconds(40));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(20));
        await Eventually.EndsAsync(waiting);
    }

    [Fact]
    public async Task Nobody_gives_way_for_longer_than_a_second()
    {
        using var urgent = gate.Enter();
        var waiting = Yield();
        time.Advance(TimeSpan.FromMilliseconds(980));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(20));
        await Eventually.EndsAsync(waiting);
    }

    [Fact]
    public void For_a_while_after_the_last_more_are_expected()
    {
        Assert.False(gate.IsBusy);
        var urgent = gate.Enter();
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(gate.IsBusy);
        urgent.Dispose();
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.True(gate.IsBusy);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(gate.IsBusy);
    }

    private Task Yield() => gate.YieldAsync(CancellationToken.None).AsTask();
}
