using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>
/// Runs every storage call: on a few threads of its own, so that a hung mount cannot starve the thread pool; with a deadline; behind
/// a breaker, so that a mount which no longer answers is refused at once instead of being waited for by everyone.
/// </summary>
internal sealed partial class StorageThreads : IDisposable
{
    private const int QueueLimit = 4096;

    private readonly BlockingCollection<IStorageCall> queue = [];
    private readonly StorageOptions options;
    private readonly TimeProvider time;
    private readonly ILogger<StorageThreads> log;
    private readonly ResiliencePipeline breaker;
    private readonly CircuitBreakerStateProvider breakerState = new();
    private int busy;
    private long timeouts;

    public StorageThreads(IOptions<StorageOptions> options, TimeProvider time, ILogger<StorageThreads> log)
        : this(options.Value, options.Value.Threads, time, log)
    {
    }

    /// <summary>As patient as the served directory's, with another number of threads.</summary>
    public StorageThreads(StorageOptions options, int threads, TimeProvider time, ILogger<StorageThreads> log)
    {
        this.options = options;
        this.time = time;
        this.log = log;
        breaker = new ResiliencePipelineBuilder { TimeProvider = time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            // Half of at least four calls in ten seconds without an answer: the mount hangs. Every two seconds one call may try again.
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is RefusedException { Reason: Refusal.StorageTimeout }),
            FailureRatio = 0.5,
            MinimumThroughput = 4,
            SamplingDuration = TimeSpan.FromSeconds(10) + this.options.OperationTimeout,
            BreakDuration = TimeSpan.FromSeconds(2),
            StateProvider = breakerState,
            OnOpened = _ =>
            {
                LogBreakerOpened();
                return default;
            },
            OnClosed = _ =>
            {
                LogBreakerClosed();
                return default;
            },
        }).Build();
        for (var number = 0; number < threads; number++)
        {
            new Thread(Work) { IsBackground = true, Name = string.Create(CultureInfo.InvariantCulture, $"storage {number}") }.Start();
        }
    }

    /// <summary>How many threads there are.</summary>
    public int Count => options.Threads;

    /// <summary>How many of them work; those whose call hangs are among them.</summary>
    public int Busy => Volatile.Read(ref busy);

    /// <summary>How many calls wait for a thread.</summary>
    public int Queued => queue.Count;

    /// <summary>How many calls were not answered by their deadline.</summary>
    public long Timeouts => Interlocked.Read(ref timeouts);

    /// <summary>Closed while the mount answers.</summary>
    public CircuitState Breaker => breakerState.CircuitState;

    /// <summary>Runs a storage operation within <see cref="StorageOptions.OperationTimeout"/>.</summary>
    /// <exception cref="RefusedException">StorageTimeout after the deadline; StorageUnavailable when the mount hangs or fails; NoSpace.</exception>
    public Task<T> RunAsync<T>(string operation, Func<StorageCall<T>, T> work, CancellationToken cancellationToken) =>
        RunAsync(operation, work, options.OperationTimeout, cancellationToken);

    /// <summary>Runs something that moves data or reads much, within <see cref="StorageOptions.TransferTimeout"/>; else the same.</summary>
    public Task<T> TransferAsync<T>(string operation, Func<StorageCall<T>, T> work, CancellationToken cancellationToken) =>
        RunAsync(operation, work, options.TransferTimeout, cancellationToken);

    /// <summary>The same with a deadline of its own.</summary>
    public async Task<T> RunAsync<T>(string operation, Func<StorageCall<T>, T> work, TimeSpan deadline, CancellationToken cancellationToken)
    {
        try
        {
            return await breaker.ExecuteAsync(
                static (state, token) => new ValueTask<T>(state.Self.CallAsync(state.operation, state.work, state.deadline, token)),
                (Self: this, operation, work, deadline),
                cancellationToken);
        }
        catch (BrokenCircuitException exception)
        {
            throw new RefusedException(Refusal.StorageUnavailable, "the storage does not answer", exception);
        }
        catch (StorageException exception)
        {
            LogFailed(operation, exception.Call, exception.File, Errno.Name(exception.Errno));
            throw StorageFaults.Refuse(exception);
        }
    }

    /// <summary>Closes something on a storage thread, when one is free: closing a file on a hung mount hangs as well.</summary>
    public void Release(IDisposable resource)
    {
        if (!queue.IsAddingCompleted)
        {
            // Whatever else waits: what is not closed here would be closed by the finalizer, which must not hang.
            queue.TryAdd(new StorageCall<bool>(_ =>
            {
                resource.Dispose();
                return true;
            }));
        }
    }

    public void Dispose() => queue.CompleteAdding();

    private async Task<T> CallAsync<T>(string operation, Func<StorageCall<T>, T> work, TimeSpan deadline, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(deadline, time);
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        var call = new StorageCall<T>(work);
        await using var _ = abandoned.Token.UnsafeRegister(static state => ((StorageCall<T>)state!).Abandon(), call);
        if (queue.IsAddingCompleted || queue.Count >= QueueLimit || !queue.TryAdd(call))
        {
            throw new RefusedException(Refusal.StorageUnavailable, "too many storage operations wait already");
        }

        try
        {
            return await call.Answer;
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            Interlocked.Increment(ref timeouts);
            LogTimedOut(operation, deadline);
            throw new RefusedException(
                Refusal.StorageTimeout,
                string.Create(CultureInfo.InvariantCulture, $"the storage did not answer within {deadline.TotalSeconds:0.#} s; whether the request took effect is unknown"));
        }
    }

    private void Work()
    {
        foreach (var call in queue.GetConsumingEnumerable())
        {
            Interlocked.Increment(ref busy);
            call.Execute();
            Interlocked.Decrement(ref busy);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Storage operation {Operation} failed: {Call} {File}: {Errno}")]
    private partial void LogFailed(string operation, string call, string file, string errno);

    [LoggerMessage(Level = LogLevel.Error, Message = "Storage operation {Operation} did not answer within {Deadline}")]
    private partial void LogTimedOut(string operation, TimeSpan deadline);

    [LoggerMessage(Level = LogLevel.Error, Message = "The storage hangs: its calls are refused until one answers again")]
    private partial void LogBreakerOpened();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The storage answers again")]
    private partial void LogBreakerClosed();
}
