using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.IntegrationTests.Interception;

/// <summary>A call that waits until it may go on.</summary>
internal sealed class LateCall : IAsyncDisposable
{
    private readonly TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Interceptor? interceptor;

    /// <summary>Ends when the call is being held.</summary>
    public Task Held => held.Task;

    public void GoOn() => released.TrySetResult();

    /// <summary>Holds the first such call of a daemon, and with it the whole daemon, until it is let go.</summary>
    /// <param name="daemon">The daemon.</param>
    /// <param name="directory">Its storage directory.</param>
    /// <param name="isIt">Whether a call is the one; asked for each call, one after the other.</param>
    /// <param name="verdict">What becomes of it after that.</param>
    public static async Task<LateCall> HoldAsync(Daemon daemon, string directory, Func<SystemCall, bool> isIt, Verdict verdict)
    {
        var late = new LateCall();
        late.interceptor = await Interceptor.AttachAsync(daemon, directory, async call =>
        {
            if (late.held.Task.IsCompleted || !isIt(call))
            {
                return Verdict.Pass;
            }

            late.held.TrySetResult();
            await late.released.Task;
            return verdict;
        });
        return late;
    }

    public async ValueTask DisposeAsync()
    {
        GoOn();
        await interceptor!.DisposeAsync();
    }
}
