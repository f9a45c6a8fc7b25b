using System.Diagnostics;
using StorageHost.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Images;

public sealed class RepeatedLinesTests
{
    [Fact]
    public void Many_kinds_take_no_memory_without_end_and_none_is_lost()
    {
        var clock = new ManualTimeProvider();
        var lines = new RepeatedLines<int>(1, (_, _) => { }, clock);
        for (var kind = 0; kind < 1500; kind++)
        {
            Assert.True(lines.MayWrite(kind));
        }

        Assert.Equal(1000, clock.Timers);
        Assert.False(lines.MayWrite(999));
        Assert.True(lines.MayWrite(1499));
    }

    [Fact]
    public async Task A_sum_bears_the_trace_of_no_request()
    {
        var clock = new ManualTimeProvider();
        var sum = new TaskCompletionSource<(long Count, string? Trace)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var lines = new RepeatedLines<string>(1, (_, count) => sum.TrySetResult((count, Activity.Current?.Id)), clock);
        using (new Activity("request").Start())
        {
            Assert.True(lines.MayWrite("fault"));
            Assert.False(lines.MayWrite("fault"));
        }

        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((1, null), await Eventually.EndsAsync(sum.Task));
    }
}
