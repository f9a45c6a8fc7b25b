using Microsoft.Extensions.Logging;
using Moq;
using StorageHost.ImageStorages;
using Xunit;

namespace StorageHost.Tests.ImageStorages;

public sealed class PolledFactsTests
{
    private readonly Mock<ILogger> log = new();
    private readonly Queue<Func<string>> looks = new();
    private readonly PolledFacts<string> facts;

    public PolledFactsTests()
    {
        log.Setup(l => l.IsEnabled(It.IsAny<LogLevel>())).Returns(true);
        facts = new PolledFacts<string>("the disks", _ => Task.FromResult(looks.Dequeue()()), TimeProvider.System, log.Object);
    }

    [Fact]
    public async Task A_failed_look_keeps_the_last_good_facts_and_their_time()
    {
        await LookAsync(() => "one");
        var taken = facts.Latest.TakenAt;
        await LookAsync(() => throw new FactsException("gone"));
        Assert.Equal(new Facts<string>("one", taken, "gone"), facts.Latest);
        await LookAsync(() => throw new InvalidOperationException("secret"));
        Assert.Equal(new Facts<string>("one", taken, "internal error; the log says more"), facts.Latest);
        await LookAsync(() => "two");
        Assert.Equal(("two", null), (facts.Latest.Value, facts.Latest.Problem));
        Assert.True(facts.Latest.TakenAt >= taken);
    }

    [Fact]
    public async Task Trouble_is_logged_when_it_begins_and_when_it_ends()
    {
        await LookAsync(() => "one");
        await LookAsync(() => throw new FactsException("gone"));
        await LookAsync(() => throw new FactsException("gone"));
        await LookAsync(() => "two");
        await LookAsync(() => "three");
        Assert.Equal([LogLevel.Warning, LogLevel.Information], Logged());
    }

    [Fact]
    public async Task It_looks_again_after_each_interval_and_ends_when_it_is_told()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var taken = 0;
        looks.Enqueue(() => throw new InvalidOperationException());
        looks.Enqueue(() => $"{++taken}");
        looks.Enqueue(() =>
        {
            stop.Cancel();
            return $"{++taken}";
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => facts.RunAsync(() => TimeSpan.FromMilliseconds(5), stop.Token));
        Assert.Equal(2, taken);
    }

    private Task LookAsync(Func<string> look)
    {
        looks.Enqueue(look);
        return facts.TakeAsync(CancellationToken.None);
    }

    private IEnumerable<LogLevel> Logged() =>
        log.Invocations.Where(call => call.Method.Name == nameof(ILogger.Log)).Select(call => Assert.IsType<LogLevel>(call.Arguments[0]));
}
