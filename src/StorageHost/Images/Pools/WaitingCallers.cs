using System.Diagnostics;

namespace StorageHost.Images.Pools;

/// <summary>The callers who wait for the next copy of an image, the one who has waited longest first.</summary>
/// <param name="gate">The lock of the pool, which is held by whoever calls anything here.</param>
internal sealed class WaitingCallers(Lock gate)
{
    private readonly LinkedList<TaskCompletionSource<Claim?>> callers = [];

    public int Count => callers.Count;

    /// <summary>The traces of those who have one.</summary>
    public IReadOnlyList<ActivityContext> Traces =>
        [.. callers.Select(caller => caller.Task.AsyncState).OfType<Activity>().Select(request => request.Context)];

    /// <summary>Begins a wait for the caller whose trace is the current one.</summary>
    /// <returns>A claim for this caller; or null when it should try again.</returns>
    public Task<Claim?> Add(CancellationToken cancellationToken)
    {
        var caller = callers.AddLast(
            new TaskCompletionSource<Claim?>(Activity.Current, TaskCreationOptions.RunContinuationsAsynchronously)).Value;
        return WaitAsync(caller, cancellationToken);
    }

    /// <summary>Gives a claim to the one who has waited longest; false when nobody waits.</summary>
    public bool TryHandOver(Claim claim)
    {
        while (TakeFirst() is { } caller)
        {
            if (caller.TrySetResult(claim))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Lets as many try again.</summary>
    public void Wake(int count)
    {
        for (; count > 0 && TakeFirst() is { } caller; count--)
        {
            caller.TrySetResult(null);
        }
    }

    /// <summary>Tells everyone that there will be no copy.</summary>
    public void Fail(Exception reason)
    {
        while (TakeFirst() is { } caller)
        {
            caller.TrySetException(reason);
        }
    }

    private TaskCompletionSource<Claim?>? TakeFirst()
    {
        var first = callers.First?.Value;
        if (first is not null)
        {
            callers.RemoveFirst();
        }

        return first;
    }

    private async Task<Claim?> WaitAsync(TaskCompletionSource<Claim?> caller, CancellationToken cancellationToken)
    {
        await using var _ = cancellationToken.UnsafeRegister(
            _ =>
            {
                lock (gate)
                {
                    callers.Remove(caller);
                }

                caller.TrySetCanceled(cancellationToken);
            },
            null);
        return await caller.Task;
    }
}
