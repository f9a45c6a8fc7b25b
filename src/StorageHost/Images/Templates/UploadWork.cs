using StorageHost.Images.Jobs;
using StorageHost.Images.Pools;

namespace StorageHost.Images.Templates;

/// <summary>What this daemon knows of an upload: its room, the request that continues it, and its job once one has.</summary>
/// <param name="promised">Where room is promised.</param>
internal sealed class UploadWork(PromisedRoom promised)
{
    private readonly Lock gate = new();
    private readonly PromisedRoom.Promise promise = promised.Begin(0);
    private Turn? current;
    private Job? job;

    /// <summary>Whether a request continues it here.</summary>
    public bool IsBusy => Volatile.Read(ref current) is not null;

    /// <summary>It will still take that many bytes, and nobody else says so.</summary>
    public void Reserve(long still) => promise.Change(still);

    /// <summary>Its job, which is begun when there is none; for whoever has the turn.</summary>
    public Job Job(Func<Job> begin) => job is null or { IsOver: true } ? job = begin() : job;

    /// <summary>It has got that far, here or on another node.</summary>
    public void Show(long offset) => job?.Progress(offset);

    /// <summary>There is nothing more to do for it.</summary>
    public void End(Action<Job> end)
    {
        promise.Dispose();
        if (job is not null)
        {
            end(job);
        }
    }

    /// <summary>Ends the request that continues it, and becomes the one that does.</summary>
    /// <exception cref="RefusedException">UploadConflict: the other one does not end.</exception>
    public async Task<Turn> TakeTurnAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var own = new Turn(this);
        while (true)
        {
            Turn? before;
            lock (gate)
            {
                before = current;
                current ??= own;
            }

            if (before is null)
            {
                return own;
            }

            await before.EndAsync(limit, time, cancellationToken);
        }
    }

    /// <summary>The right to continue it.</summary>
    internal sealed class Turn(UploadWork work) : IDisposable
    {
        private readonly CancellationTokenSource overtaken = new();
        private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Cancelled when a newer request of this daemon continues it.</summary>
        public CancellationToken Overtaken => overtaken.Token;

        /// <summary>Asks whoever has it to end, and waits for that.</summary>
        public async Task EndAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
        {
            try
            {
                await overtaken.CancelAsync();
                await over.Task.WaitAsync(limit, time, cancellationToken);
            }
            catch (TimeoutException late)
            {
                throw new RefusedException(
                    Refusal.UploadConflict, "another request continues this upload, and does not end; try again in a moment", late);
            }
        }

        public void Dispose()
        {
            lock (work.gate)
            {
                work.current = null;
            }

            over.TrySetResult();
        }
    }
}
