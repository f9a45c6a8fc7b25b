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
}
