namespace StorageHost.Files.Session;

/// <summary>Work for a storage thread, seen from the thread and from those who watch over it.</summary>
internal interface IStorageCall
{
    /// <summary>Whether the caller has left: its deadline passed or its client went away.</summary>
    bool IsAbandoned { get; }

    /// <summary>
    /// Completes when no thread is at it any more, whoever has left before: with false when the work was never begun.
    /// </summary>
    Task<bool> Returned { get; }

    /// <summary>Does the work, unless its caller has gone.</summary>
    void Execute();

    /// <summary>Says that no thread will ever begin it.</summary>
    void Drop();
}

/// <summary>
/// One piece of storage work and its caller. A system call that hangs cannot be stopped, so the caller can leave. Work that changes
/// something asks before the change whether its caller is still there; after it, the outcome stands whoever has left.
/// </summary>
/// <typeparam name="T">What the work answers.</typeparam>
internal sealed class StorageCall<T>(Func<StorageCall<T>, T> work) : IStorageCall
{
    private readonly TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> returned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the answer, the fault or the refusal, or as cancelled when the caller left first.</summary>
    public Task<T> Answer => answer.Task;

    public Task<bool> Returned => returned.Task;

    /// <summary>Whether the caller has left: its deadline passed or its client went away.</summary>
    public bool IsAbandoned => answer.Task is { IsCompleted: true, IsCompletedSuccessfully: false };

    /// <summary>Lets the caller leave.</summary>
    public void Abandon() => answer.TrySetCanceled(CancellationToken.None);

    /// <summary>Tells the caller, if it still waits, that it is not answered. What a thread is at goes on.</summary>
    public void Refuse(Exception reason) => answer.TrySetException(reason);

    public void Drop() => returned.TrySetResult(false);

    void IStorageCall.Execute()
    {
        if (answer.Task.IsCompleted)
        {
            Drop();
            return;
        }

        try
        {
            var result = work(this);
            if (!answer.TrySetResult(result) && IsAbandoned)
            {
                // Nobody will: the caller that would have disposed of it has left.
                (result as IDisposable)?.Dispose();
            }
        }
#pragma warning disable CA1031 // Whatever the work throws is the caller's to see; the thread goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            answer.TrySetException(exception);
        }
        finally
        {
            returned.TrySetResult(true);
        }
    }
}
