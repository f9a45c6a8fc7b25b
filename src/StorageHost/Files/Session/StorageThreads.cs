using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Options;
using Polly.CircuitBreaker;
using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// Runs every storage call: on a few threads of its own, so that a hung mount cannot starve the thread pool; with a deadline; behind
/// a breaker, so that a mount which no longer answers is refused at once instead of being waited for by everyone.
/// </summary>
/// <remarks>
/// A call that hangs keeps its thread. So that one sick file cannot take them all, neither what runs in the background nor any one
/// operation has more than three quarters of the threads.
/// </remarks>
internal sealed class StorageThreads : IDisposable
{
    private const int QueueLimit = 4096;

    /// <summary>What the thread is at.</summary>
    [ThreadStatic]
    private static IStorageCall? current;

    private readonly BlockingCollection<IStorageCall> queue = [];
    private readonly ConcurrentDictionary<string, StorageShare> operations = new(StringComparer.Ordinal);
    private readonly StorageShare background;
    private readonly int most;
    private readonly StorageOptions options;
    private readonly TimeProvider time;
    private readonly StorageFailureLog failures;
    private readonly StorageBreaker breaker;
    private int busy;
    private int waiting;
    private long timeouts;

    public StorageThreads(IOptions<StorageOptions> options, TimeProvider time, ILogger<StorageThreads> log)
        : this(options.Value, options.Value.Threads, time, log)
    {
    }

    /// <summary>With the deadlines of the served directory's, and another number of threads.</summary>
    public StorageThreads(StorageOptions options, int threads, TimeProvider time, ILogger<StorageThreads> log)
    {
        this.options = options;
        this.time = time;
        failures = new StorageFailureLog(time, log);

        // Of two, both: nobody but the index uses them, and when one hangs the other may find out that the mount is well again.
        most = Math.Max(threads - Math.Max(threads / 4, 1), Math.Min(threads, 2));
        background = NewShare(most);
        breaker = new StorageBreaker(options.OperationTimeout, time, log);
        for (var number = 0; number < threads; number++)
        {
            new Thread(Work) { IsBackground = true, Name = string.Create(CultureInfo.InvariantCulture, $"storage {number}") }.Start();
        }
    }

    /// <summary>Told of each call that failed with an errno; null when nobody is.</summary>
    public Action<StorageException>? WhenFailed { get; set; }

    /// <summary>Told of each call that was not answered by its deadline; null when nobody is.</summary>
    public Action? WhenTimedOut { get; set; }

    /// <summary>How many threads there are.</summary>
    public int Count => options.Threads;

    /// <summary>How many of them work; those whose call hangs are among them.</summary>
    public int Busy => Volatile.Read(ref busy);

    /// <summary>How many calls wait for a thread.</summary>
    public int Queued => Volatile.Read(ref waiting);

    /// <summary>How many calls were not answered by their deadline.</summary>
    public long Timeouts => Interlocked.Read(ref timeouts);

    /// <summary>Closed while the mount answers.</summary>
    public CircuitState Breaker => breaker.State;

    /// <summary>What the storage thread that asks is at; null when it is none.</summary>
    public static IStorageCall? Current => current;

    /// <summary>
    /// A share for calls that hinder each other; for a place they wait as long as for the storage, or as long as is said here.
    /// </summary>
    public StorageShare NewShare(int places, TimeSpan? waitLimit = null) => new(places, waitLimit, time);

    /// <summary>Runs a storage operation within <see cref="StorageOptions.OperationTimeout"/>.</summary>
    /// <exception cref="RefusedException">StorageTimeout after the deadline; StorageUnavailable when the mount hangs or fails;
    /// NoSpace.</exception>
    public Task<T> RunAsync<T>(string operation, Func<StorageCall<T>, T> work, CancellationToken cancellationToken) =>
        RunAsync(operation, work, options.OperationTimeout, cancellationToken);

    /// <summary>Runs something that moves data or reads much, within <see cref="StorageOptions.TransferTimeout"/>; else the same.</summary>
    public Task<T> TransferAsync<T>(string operation, Func<StorageCall<T>, T> work, CancellationToken cancellationToken) =>
        RunAsync(operation, work, options.TransferTimeout, cancellationToken);

    /// <summary>The same with a deadline of its own.</summary>
    public Task<T> RunAsync<T>(string operation, Func<StorageCall<T>, T> work, TimeSpan deadline, CancellationToken cancellationToken) =>
        RunAsync(operation, work, deadline, null, cancellationToken);

    /// <summary>The same in a share of its own.</summary>
    public async Task<T> RunAsync<T>(
        string operation, Func<StorageCall<T>, T> work, TimeSpan deadline, StorageShare? share, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var call = new StorageCall<T>(work);
        await using var leaving = cancellationToken.UnsafeRegister(static state => ((StorageCall<T>)state!).Abandon(), call);
        var watching = WatchAsync(call, operation, deadline, share);
        try
        {
            var answer = await call.Answer;
            if (Breaker != CircuitState.Closed)
            {
                // Else whoever is told that the mount answers could call again before the breaker knows it.
                await watching;
            }

            return answer;
        }
        catch (StorageException exception)
        {
            WhenFailed?.Invoke(exception);
            failures.Failed(operation, exception);
            throw StorageFaults.Refuse(exception);
        }
    }

    /// <summary>Closes something on a storage thread, when one is free: closing a file on a hung mount hangs as well.</summary>
    public void Release(IDisposable resource) => _ = ReleaseAsync(new StorageCall<bool>(_ =>
    {
        resource.Dispose();
        return true;
    }));

    /// <summary>Waits until every call has returned, those included that were given up; false when some have not by then.</summary>
    public async Task<bool> DrainAsync(TimeSpan limit)
    {
        var started = time.GetTimestamp();
        while (Queued > 0 || Busy > 0)
        {
            if (time.GetElapsedTime(started) >= limit)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), time);
        }

        return true;
    }

    public void Dispose() => queue.CompleteAdding();

    /// <summary>Sees a call through, for longer than its caller may wait: what became of it tells the breaker how the mount is.</summary>
    private async Task WatchAsync<T>(StorageCall<T> call, string operation, TimeSpan deadline, StorageShare? share)
    {
        Interlocked.Increment(ref waiting);
        try
        {
            await EnterAsync(call, operation, deadline, share);
            await breaker.ExecuteAsync(
                static state => state.Self.TryAsync(state.call, state.operation, state.deadline), (Self: this, call, operation, deadline));
        }
        catch (BrokenCircuitException exception)
        {
            Drop(call);
            call.Refuse(new RefusedException(Refusal.StorageUnavailable, "the storage does not answer", exception));
        }
        catch (RefusedException exception)
        {
            call.Refuse(exception);
        }
        catch (OperationCanceledException)
        {
            // Its caller left before it was begun.
        }
    }

    /// <summary>Takes the call's places, which it keeps until it returns.</summary>
    private async Task EnterAsync<T>(StorageCall<T> call, string operation, TimeSpan deadline, StorageShare? own)
    {
        try
        {
            if (Queued > QueueLimit)
            {
                throw new RefusedException(Refusal.StorageUnavailable, "too many storage operations wait already");
            }

            StorageShare?[] shares =
            [
                own,
                operations.GetOrAdd(operation, static (_, self) => self.NewShare(self.most), this),
                Background.IsCurrent ? background : null,
            ];
            foreach (var share in shares.OfType<StorageShare>())
            {
                await share.EnterAsync(operation, deadline);
                _ = call.Returned.ContinueWith(
                    static (_, state) => ((StorageShare)state!).Leave(), share, CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
        catch (RefusedException)
        {
            Drop(call);
            throw;
        }
    }

    private async Task TryAsync<T>(StorageCall<T> call, string operation, TimeSpan deadline)
    {
        if (!TryQueue(call))
        {
            Drop(call);
            throw new RefusedException(Refusal.StorageUnavailable, "the daemon is stopping");
        }

        try
        {
            if (!await call.Returned.WaitAsync(deadline, time))
            {
                throw new OperationCanceledException();
            }
        }
        catch (TimeoutException)
        {
            Interlocked.Increment(ref timeouts);
            WhenTimedOut?.Invoke();
            failures.TimedOut(operation, deadline);
            throw new RefusedException(
                Refusal.StorageTimeout,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the storage did not answer within {deadline.TotalSeconds:0.#} s; whether the request took effect is unknown"));
        }
    }

    /// <summary>
    /// Closing may hang as well. It waits for a place as long as it takes: else the finalizer would close it, which must not hang.
    /// </summary>
    private async Task ReleaseAsync(StorageCall<bool> call)
    {
        Interlocked.Increment(ref waiting);
        await background.EnterAsync();
        if (!TryQueue(call))
        {
            Drop(call);
        }

        await call.Returned;
        background.Leave();
    }

    private bool TryQueue(IStorageCall call)
    {
        try
        {
            return !queue.IsAddingCompleted && queue.TryAdd(call);
        }
        catch (InvalidOperationException)
        {
            // Disposed of in between.
            return false;
        }
    }

    private void Drop(IStorageCall call)
    {
        Interlocked.Decrement(ref waiting);
        call.Drop();
    }

    private void Work()
    {
        foreach (var call in queue.GetConsumingEnumerable())
        {
            Interlocked.Increment(ref busy);
            Interlocked.Decrement(ref waiting);
            current = call;
            call.Execute();
            current = null;
            Interlocked.Decrement(ref busy);
        }
    }
}
