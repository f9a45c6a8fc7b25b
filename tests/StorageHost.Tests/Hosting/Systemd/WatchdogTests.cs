using System.Globalization;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using StorageHost.Hosting.Systemd;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Systemd;

public sealed class WatchdogTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly ManualTimeProvider time = new();
    private readonly Listener listener = new();
    private readonly ListLog<Watchdog> log = new();
    private readonly ApplicationLifetime lifetime = new(NullLogger<ApplicationLifetime>.Instance);
    private Func<CancellationToken, Task<string?>> probe = _ => Task.FromResult<string?>(null);

    public void Dispose() => listener.Dispose();

    [Fact]
    public async Task It_is_fed_four_times_within_its_limit()
    {
        using var watchdog = await StartAsync();
        for (var times = 0; times < 4; times++)
        {
            Assert.False(listener.HasHeard);
            time.Advance(Interval);
            Assert.Equal("WATCHDOG=1", listener.Hear());
        }
    }

    [Fact]
    public async Task A_daemon_that_does_not_answer_itself_does_not_feed_it()
    {
        probe = _ => Task.FromResult<string?>("/healthz said 500");
        using var watchdog = await StartAsync();
        await Eventually.HoldsAsync(() => log.Lines.Count >= 3, time, Interval);
        Assert.False(listener.HasHeard);
        Assert.Equal("Error: The daemon does not answer itself, so the watchdog was not fed: /healthz said 500", log.Lines[0]);
    }

    [Fact]
    public async Task An_answer_that_does_not_come_in_time_is_none_and_the_next_counts()
    {
        probe = async cancellationToken =>
        {
            probe = _ => Task.FromResult<string?>(null);
            await Task.Delay(Timeout.Infinite, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
            return "no answer";
        };
        using var watchdog = await StartAsync();
        time.Advance(Interval);
        await Eventually.HoldsAsync(() => listener.HasHeard, time, TimeSpan.FromMilliseconds(100));
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task A_daemon_that_stops_has_no_fault()
    {
        probe = async cancellationToken =>
        {
            lifetime.StopApplication();
            await Task.Delay(Timeout.Infinite, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
            return "it is gone";
        };
        using var watchdog = await StartAsync();
        time.Advance(Interval);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(watchdog.ExecuteTask!));
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task Without_a_limit_nothing_is_done()
    {
        using var watchdog = new Watchdog(null, listener.Manager, token => probe(token), lifetime, time, log);
        await watchdog.StartAsync(CancellationToken.None);
        await Eventually.EndsAsync(watchdog.ExecuteTask!);
    }

    [Theory]
    [InlineData("30000000", null, 30)]
    [InlineData("30000000", "", 30)]
    [InlineData("30000000", "self", 30)]
    [InlineData("30000000", "1", null)]
    [InlineData("0", null, null)]
    [InlineData("3999", null, null)]
    [InlineData("-5", null, null)]
    [InlineData("soon", null, null)]
    [InlineData("9223372036854775807", null, null)]
    [InlineData(null, null, null)]
    public void The_limit_is_that_of_the_environment_when_it_is_meant_for_this_process(string? microseconds, string? pid, int? seconds)
    {
        pid = pid == "self" ? Environment.ProcessId.ToString(CultureInfo.InvariantCulture) : pid;
        Assert.Equal(seconds, Watchdog.FindLimit(name => name == "WATCHDOG_USEC" ? microseconds : pid)?.TotalSeconds);
    }

    private async Task<Watchdog> StartAsync()
    {
        var watchdog = new Watchdog(Limit, listener.Manager, token => probe(token), lifetime, time, log);
        await watchdog.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => time.Timers == 1);
        return watchdog;
    }
}
