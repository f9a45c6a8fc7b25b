using Polly;
using Polly.CircuitBreaker;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// Refuses calls at once while the storage does not answer: half of at least four calls without an answer open it, and every two seconds
/// one call may try again.
/// </summary>
internal sealed partial class StorageBreaker
{
    private readonly ILogger log;
    private readonly ResiliencePipeline pipeline;
    private readonly CircuitBreakerStateProvider state = new();

    /// <param name="deadline">Of a call; the calls of ten seconds and of one deadline are counted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Told when it opens and closes.</param>
    public StorageBreaker(TimeSpan deadline, TimeProvider time, ILogger log)
    {
        this.log = log;
        pipeline = new ResiliencePipelineBuilder { TimeProvider = new SteadyTime(time) }.AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            // A call that was never begun, since its caller left, has not shown that the mount answers.
            ShouldHandle = arguments =>
                ValueTask.FromResult(arguments.Outcome.Exception is RefusedException { Reason: Refusal.StorageTimeout }
                    || (arguments.Outcome.Exception is OperationCanceledException && State == CircuitState.HalfOpen)),
            FailureRatio = 0.5,
            MinimumThroughput = 4,
            SamplingDuration = TimeSpan.FromSeconds(10) + deadline,
            BreakDuration = TimeSpan.FromSeconds(2),
            StateProvider = state,
            OnOpened = _ =>
            {
                LogOpened();
                return default;
            },
            OnClosed = _ =>
            {
                LogClosed();
                return default;
            },
        }).Build();
    }

    /// <summary>Closed while the storage answers.</summary>
    public CircuitState State => state.CircuitState;

    /// <summary>Does it, unless the storage does not answer; what it throws tells how the storage is.</summary>
    /// <exception cref="BrokenCircuitException">It was not begun: the storage does not answer.</exception>
    public ValueTask ExecuteAsync<T>(Func<T, Task> act, T with) => pipeline.ExecuteAsync(
        static async (state, _) => await state.act(state.with), (act, with), CancellationToken.None);

    [LoggerMessage(Level = LogLevel.Error, Message = "The storage hangs: its calls are refused until one answers again")]
    private partial void LogOpened();

    [LoggerMessage(Level = LogLevel.Warning, Message = "The storage answers again")]
    private partial void LogClosed();
}
