using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Polly.CircuitBreaker;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Files.Session;

public sealed class StorageThreadsTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly ManualTimeProvider clock = new();
    private readonly ManualResetEventSlim hang = new();
    private readonly StorageThreads threads;
    private int operations;

    public StorageThreadsTests() => threads = new StorageThreads(
        Options.Create(new StorageOptions { Threads = 4, OperationTimeout = Deadline }), clock, NullLogger<StorageThreads>.Instance);

    public void Dispose()
    {
        hang.Set();
        threads.Dispose();
    }

    [Fact]
    public async Task Work_runs_on_threads_of_its_own()
    {
        var (name, pooled) = await RunAsync(() => (Thread.CurrentThread.Name, Thread.CurrentThread.IsThreadPoolThread));
        Assert.Matches("^storage [0-3]\\z", name);
        Assert.False(pooled);
    }

    [Fact]
    public async Task A_failure_that_goes_on_has_one_line_and_a_sum_for_each_minute()
    {
        var log = new ListLog<StorageThreads>();
        using var away = new StorageThreads(new StorageOptions { Threads = 2, OperationTimeout = Deadline }, 2, clock, log);
        await FailAsync("look", 3, Errno.NotConnected);
        await FailAsync("look", 1, Errno.InputOutput);
        await FailAsync("publish", 1, Errno.NotConnected);
        Assert.Equal(
            [
                "Error: Storage operation look failed: stat web01.qcow2: ENOTCONN", "Error: Storage operation look failed: stat web01.qcow2: EIO",
                "Error: Storage operation publish failed: stat web01.qcow2: ENOTCONN",
            ],
            Errors());

        // Until no deadline runs any more.
        await Eventually.HoldsAsync(() => clock.Timers == 3);
        clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => clock.Timers == 1);
        Assert.Equal(4, Errors().Length);
        Assert.Equal("Error: Storage operation look failed 2 more times within a minute: ENOTCONN", Errors()[3]);
        clock.Advance(TimeSpan.FromMinutes(1));
        await Eventually.HoldsAsync(() => clock.Timers == 0);
        await FailAsync("look", 1, Errno.NotConnected);
        Assert.Equal("Error: Storage operation look failed: stat web01.qcow2: ENOTCONN", Errors()[^1]);
        Assert.Equal(5, Errors().Length);

        string[] Errors() => [.. log.Lines.Where(line => line.StartsWith("Error", StringComparison.Ordinal))];

        async Task FailAsync(string operation, int times, int errno)
        {
            for (; times > 0; times--)
            {
                await Assert.ThrowsAsync<RefusedException>(() => away.RunAsync<bool>(
                    operation, (StorageCall<bool> _) => throw new StorageException("stat", "web01.qcow2", errno), CancellationToken.None));
            }
        }
    }

    [Fact]
    public async Task No_more_runs_at_once_than_there_are_threads()
    {
        using var all = new CountdownEvent(4);
        var names = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        var calls = Enumerable.Range(0, 40).Select(_ => RunAsync(() =>
        {
            names.TryAdd(Thread.CurrentThread.Name!, true);
            return all.IsSet || (all.Signal() | all.Wait(TimeSpan.FromSeconds(20)));
        })).ToArray();
        Assert.All(await Eventually.EndsAsync(Task.WhenAll(calls)), Assert.True);
        Assert.Equal(4, names.Count);
    }

    [Fact]
    public async Task Work_that_does_not_end_in_time_is_given_up()
    {
        var told = 0;
        threads.WhenTimedOut = () => told++;
        var call = HangAsync();
        clock.Advance(Deadline - TimeSpan.FromTicks(1));
        Assert.Equal((false, 0), (call.IsCompleted, told));
        clock.Advance(TimeSpan.FromTicks(1));
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(call));
        Assert.Equal((Refusal.StorageTimeout, "the storage did not answer within 10 s; whether the request took effect is unknown"), (refused.Reason, refused.Message));
        Assert.Equal(1, told);
    }

    [Fact]
    public async Task What_moves_data_has_more_time()
    {
        var limit = new StorageOptions().TransferTimeout;
        Assert.True(limit > Deadline);
        var call = threads.TransferAsync("transfer", (StorageCall<int> _) => hang.Wait(TimeSpan.FromMinutes(1)) ? 1 : 0, CancellationToken.None);
        clock.Advance(limit - TimeSpan.FromTicks(1));
        Assert.False(call.IsCompleted);
        clock.Advance(TimeSpan.FromTicks(1));
        await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(call));
    }

    [Fact]
    public async Task Who_cancels_does_not_wait()
    {
        using var gone = new CancellationTokenSource();
        var call = threads.RunAsync("hang", (StorageCall<bool> _) => hang.Wait(TimeSpan.FromMinutes(1)), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(call));
    }

    [Fact]
    public async Task Work_whose_caller_left_before_it_began_is_never_done()
    {
        var done = 0;
        var hanging = Enumerable.Range(0, 4).Select(_ => HangAsync()).ToArray();
        using var gone = new CancellationTokenSource();
        var late = threads.RunAsync("late", (StorageCall<int> _) => Interlocked.Increment(ref done), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(late));
        hang.Set();
        await Eventually.EndsAsync(Task.WhenAll(hanging));
        await Eventually.EndsAsync(Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RunAsync(() => 0))));
        Assert.Equal(0, done);
    }

    [Fact]
    public async Task Work_is_told_that_its_caller_left_and_what_it_opened_is_closed()
    {
        using var gone = new CancellationTokenSource();
        using var opened = new MemoryStream();
        var answers = new List<bool>();
        var call = threads.RunAsync("open", (StorageCall<IDisposable> call) =>
        {
            answers.Add(call.IsAbandoned);
            gone.Cancel();
            answers.Add(call.IsAbandoned);
            return opened;
        }, gone.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(call));
        await Eventually.HoldsAsync(() => !opened.CanRead);
        Assert.True(answers is [false, true]);
    }

    [Theory]
    [InlineData(Errno.NoSpace, "NoSpace")]
    [InlineData(Errno.QuotaExceeded, "NoSpace")]
    [InlineData(Errno.TimedOut, "StorageTimeout")]
    [InlineData(Errno.NotConnected, "StorageUnavailable")]
    [InlineData(Errno.InputOutput, "StorageUnavailable")]
    [InlineData(Errno.Stale, "StorageUnavailable")]
    [InlineData(Errno.NoEntry, "StorageUnavailable")]
    [InlineData(Errno.Access, "StorageUnavailable")]
    public async Task A_failed_call_is_refused_by_its_errno_and_never_as_absent(int errno, string reason)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => RunAsync<int>(() => throw new StorageException("stat", "secret", errno)));
        Assert.Equal(reason, refused.Reason.ToString());
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
        Assert.IsType<StorageException>(refused.InnerException);
    }

    [Theory]
    [InlineData(StorageException.WholeDirectory, "permission denied on the directory for the user {0} (EACCES)")]
    [InlineData("secret", "permission denied on a file in the directory for the user {0} (EACCES); the log names it")]
    public async Task What_the_user_may_not_do_is_told_with_the_user(string file, string words)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => RunAsync<int>(() => throw new StorageException("open", file, Errno.Access)));
        Assert.Equal(words.Replace("{0}", Environment.UserName, StringComparison.Ordinal), refused.Message);
    }

    [Fact]
    public async Task Any_other_failure_reaches_the_caller_and_the_thread_goes_on()
    {
        for (var count = 0; count < 8; count++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync<int>(() => throw new InvalidOperationException("a bug")));
        }

        Assert.Equal(1, await RunAsync(() => 1));
    }

    [Fact]
    public async Task A_mount_that_hangs_is_refused_at_once_until_a_call_is_answered_again()
    {
        await OpenBreakerAsync();
        var refused = await Assert.ThrowsAsync<RefusedException>(() => RunAsync(() => 1));
        Assert.Equal((Refusal.StorageUnavailable, "the storage does not answer"), (refused.Reason, refused.Message));
        hang.Set();
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, await Eventually.EndsAsync(RunAsync(() => 1)));
        Assert.Equal(2, await Eventually.EndsAsync(RunAsync(() => 2)));
    }

    [Fact]
    public async Task While_the_mount_hangs_only_one_call_at_a_time_tries_it()
    {
        await OpenBreakerAsync();
        clock.Advance(TimeSpan.FromSeconds(2));
        var trying = HangAsync();
        await Assert.ThrowsAsync<RefusedException>(() => RunAsync(() => 1));
        clock.Advance(Deadline);
        Assert.Equal(Refusal.StorageTimeout, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(trying))).Reason);
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => RunAsync(() => 1))).Reason);
    }

    [Fact]
    public async Task Failures_that_are_answers_do_not_open_the_breaker()
    {
        for (var count = 0; count < 20; count++)
        {
            await Assert.ThrowsAsync<RefusedException>(() => RunAsync<int>(() => throw new StorageException("open", "x", Errno.InputOutput)));
        }

        Assert.Equal(1, await RunAsync(() => 1));
    }

    [Fact]
    public async Task What_is_released_is_closed_on_a_storage_thread()
    {
        using var resource = new MemoryStream();
        threads.Release(resource);
        await Eventually.HoldsAsync(() => !resource.CanRead);
    }

    [Fact]
    public async Task After_its_end_nothing_is_taken_on()
    {
        threads.Dispose();
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => RunAsync(() => 1))).Reason);
        threads.Release(new MemoryStream());
    }

    [Fact]
    public async Task What_hangs_in_the_background_never_takes_the_threads_of_callers()
    {
        await InBackgroundAsync(() => Enumerable.Range(0, 8).Select(_ => HangAsync()).ToArray());
        await Eventually.HoldsAsync(() => threads.Busy == 3);
        Assert.Equal(1, await Eventually.EndsAsync(RunAsync(() => 1)));
    }

    [Fact]
    public async Task What_was_given_up_in_the_background_keeps_its_place_until_it_returns()
    {
        using var gone = new CancellationTokenSource();
        for (var round = 0; round < 3; round++)
        {
            await InBackgroundAsync(() => Enumerable.Range(0, 3).Select(_ => HangAsync(gone.Token)).ToArray());
        }

        await Eventually.HoldsAsync(() => threads.Busy == 3);
        await gone.CancelAsync();
        var late = await InBackgroundAsync(() => RunAsync(() => 2));
        Assert.Equal(1, await Eventually.EndsAsync(RunAsync(() => 1)));
        Assert.False(late.IsCompleted);
        hang.Set();
        Assert.Equal(2, await Eventually.EndsAsync(late));
        await Eventually.HoldsAsync(() => (threads.Queued, threads.Busy) == (0, 0));
    }

    [Fact]
    public async Task No_operation_takes_all_threads_however_many_call_for_it()
    {
        var deleting = Enumerable.Range(0, 8).Select(_ => threads.RunAsync("delete", (StorageCall<bool> _) => hang.Wait(TimeSpan.FromMinutes(1)), CancellationToken.None)).ToArray();
        await Eventually.HoldsAsync(() => threads.Busy == 3);
        Assert.Equal(1, await Eventually.EndsAsync(RunAsync(() => 1)));
        hang.Set();
        Assert.All(await Eventually.EndsAsync(Task.WhenAll(deleting)), Assert.True);
    }

    [Fact]
    public async Task What_hangs_while_it_is_closed_never_takes_all_threads()
    {
        var closed = 0;
        for (var count = 0; count < 8; count++)
        {
            threads.Release(new Closing(() =>
            {
                hang.Wait(TimeSpan.FromMinutes(1));
                Interlocked.Increment(ref closed);
            }));
        }

        await Eventually.HoldsAsync(() => threads.Busy == 3);
        Assert.Equal(1, await Eventually.EndsAsync(RunAsync(() => 1)));
        hang.Set();
        await Eventually.HoldsAsync(() => closed == 8);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(null)]
    public async Task In_a_share_of_one_nothing_begins_while_what_was_given_up_is_still_at_it(int? patience)
    {
        using var gone = new CancellationTokenSource();
        var share = threads.NewShare(1, patience is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        var first = InShareAsync(() => hang.Wait(TimeSpan.FromMinutes(1)), gone.Token);
        await Eventually.HoldsAsync(() => threads.Busy == 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(first));
        var begun = false;
        var second = InShareAsync(() => begun = true, CancellationToken.None);
        clock.Advance(TimeSpan.FromSeconds(patience ?? Deadline.TotalSeconds));
        Assert.Equal((Refusal.StorageUnavailable, false), ((await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(second))).Reason, begun));
        hang.Set();
        await Eventually.HoldsAsync(() =>
        {
            _ = InShareAsync(() => begun = true, CancellationToken.None);
            return begun;
        });

        Task<bool> InShareAsync(Func<bool> work, CancellationToken token) => threads.RunAsync("alone", (StorageCall<bool> _) => work(), Deadline, share, token);
    }

    [Fact]
    public async Task Who_hangs_up_while_the_mount_is_tried_does_not_say_that_it_answers()
    {
        await OpenBreakerAsync();
        hang.Set();
        await Eventually.HoldsAsync(() => threads.Busy == 0);
        hang.Reset();
        clock.Advance(TimeSpan.FromSeconds(2));
        using var gone = new CancellationTokenSource();
        var trying = HangAsync(gone.Token);
        await Eventually.HoldsAsync(() => threads.Busy == 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(trying));
        Assert.NotEqual(CircuitState.Closed, threads.Breaker);
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => RunAsync(() => 1))).Reason);
        hang.Set();
        await Eventually.HoldsAsync(() => threads.Breaker == CircuitState.Closed);
    }

    [Fact]
    public async Task Nor_does_a_call_that_was_never_begun_since_its_caller_hung_up()
    {
        await OpenBreakerAsync();
        clock.Advance(TimeSpan.FromSeconds(2));
        using var gone = new CancellationTokenSource();
        var trying = RunAsync(() => true, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(trying));
        hang.Set();
        await Eventually.HoldsAsync(() => threads.Breaker == CircuitState.Open);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, await Eventually.EndsAsync(RunAsync(() => 1)));
    }

    [Fact]
    public async Task Callers_who_hang_up_do_not_hide_that_the_mount_hangs()
    {
        for (var count = 1; count <= 4; count++)
        {
            using var gone = new CancellationTokenSource();
            var call = HangAsync(gone.Token);
            await Eventually.HoldsAsync(() => threads.Busy == count);
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(call));
        }

        clock.Advance(Deadline);
        await Eventually.HoldsAsync(() => threads.Breaker == CircuitState.Open);
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(2)]
    public async Task A_clock_that_is_set_keeps_the_breaker_open_no_longer_and_no_shorter(int hours)
    {
        await OpenBreakerAsync();
        hang.Set();
        clock.Set(TimeSpan.FromHours(hours));
        Assert.Equal(Refusal.StorageUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => RunAsync(() => 1))).Reason);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, await Eventually.EndsAsync(RunAsync(() => 1)));
    }

    /// <summary>Each an operation of its own.</summary>
    private Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken = default) =>
        threads.RunAsync($"test {Interlocked.Increment(ref operations)}", (StorageCall<T> _) => work(), cancellationToken);

    private Task<bool> HangAsync(CancellationToken cancellationToken = default) => RunAsync(() => hang.Wait(TimeSpan.FromMinutes(1)), cancellationToken);

    private static async Task<T> InBackgroundAsync<T>(Func<T> begin)
    {
        await Task.CompletedTask;
        Background.Begin();
        return begin();
    }

    private sealed class Closing(Action close) : IDisposable
    {
        public void Dispose() => close();
    }

    private async Task OpenBreakerAsync()
    {
        // A call that no thread has begun would be dropped at the deadline, and its thread be free.
        var hanging = Enumerable.Range(0, 4).Select(_ => HangAsync()).ToArray();
        await Eventually.HoldsAsync(() => threads.Busy == 4);
        clock.Advance(Deadline);
        foreach (var call in hanging)
        {
            Assert.Equal(Refusal.StorageTimeout, (await Assert.ThrowsAsync<RefusedException>(() => Eventually.EndsAsync(call))).Reason);
        }
    }
}
