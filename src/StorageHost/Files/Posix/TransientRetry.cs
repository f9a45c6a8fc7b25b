using Polly;
using Polly.Retry;

namespace StorageHost.Files.Posix;

/// <summary>
/// The rules by which storage calls are retried. Errors that pass by themselves: at most five more tries within some 0.6 s, with growing
/// pauses. What has to outlast the cache of Gluster's client, a second, or what another daemon is just doing: twelve more, 100 ms apart.
/// Runs on storage threads only, since it sleeps between the tries.
/// </summary>
internal static class TransientRetry
{
    /// <summary>After this time Gluster's client has forgotten what it knew of a name, unless somebody reads the file.</summary>
    public static readonly TimeSpan Forgotten = TimeSpan.FromMilliseconds(1200);

    private static readonly ResiliencePipeline Failures = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = arguments => ValueTask.FromResult(
            arguments.Outcome.Exception is StorageException failed && Errno.IsTransient(failed.Errno)),
        MaxRetryAttempts = 5,
        Delay = TimeSpan.FromMilliseconds(20),
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
    }).Build();

    private static readonly ResiliencePipeline Waits = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result is false),
        MaxRetryAttempts = 12,
        Delay = Forgotten / 12,
    }).Build();

    /// <summary>
    /// Tries again while a healthy replica volume says what racing nodes hear from it for a moment; see <see cref="Errno.IsTransient"/>.
    /// </summary>
    public static T Execute<T>(Func<T> call) => Failures.Execute(call);

    /// <summary>The same without a closure.</summary>
    public static T Execute<T, TState>(Func<TState, T> call, TState state) => Failures.Execute(call, state);

    /// <summary>
    /// Asks again for longer than Gluster's client answers from what it remembers, which is a second; false when it was no use.
    /// </summary>
    public static bool UntilForgotten(Func<bool> isDone) => Waits.Execute(isDone);
}
