using Microsoft.Extensions.Options;
using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// Holds the session with the volume and runs work in it. When the mount dies, is replaced, or this node was cut off and its files were
/// recovered by others, the session ends and a new one begins as soon as the directory is there again.
/// </summary>
internal sealed partial class VolumeSessions : IAsyncDisposable
{
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);

    private readonly StorageOptions options;
    private readonly StorageThreads threads;
    private readonly ILogger<VolumeSessions> log;
    private readonly WriteWatch writes;

    // A look at the session that was given up may still be at it.
    private readonly StorageShare sessions;

    // The same of a look whether the directory can be written to. While one hangs, another would tell nothing new.
    private readonly StorageShare looks;

    private readonly SessionOpener opener;
    private volatile VolumeSession? session;
    private string problem = "the storage directory was not opened yet";

    public VolumeSessions(IOptions<StorageOptions> options, StorageThreads threads, ILogger<VolumeSessions> log)
    {
        (this.options, this.threads, this.log) = (options.Value, threads, log);
        sessions = threads.NewShare(1);

        // A look that was answered gives its place back a moment later.
        looks = threads.NewShare(1, waitLimit: TimeSpan.FromMilliseconds(100));
        writes = new WriteWatch(options.Value.ReservePercent);
        opener = new SessionOpener(this.options, threads, log);
        threads.WhenFailed = writes.Note;
        threads.WhenTimedOut = writes.NoteTimeout;
    }

    /// <summary>The directory's full path.</summary>
    public string Directory => options.Directory;

    /// <summary>Why nothing can be written to it, as far as is known; null when something can.</summary>
    public string? Unwritable => writes.Unwritable;

    /// <summary>The words for a volume that is full to the last; null when there is room for a little.</summary>
    public string? Full => writes.Full;

    private VolumeSession Current => session ?? throw new RefusedException(Refusal.StorageUnavailable, problem);

    /// <summary>
    /// Runs an operation on the volume; see <see cref="StorageThreads.RunAsync{T}(string, Func{StorageCall{T}, T}, CancellationToken)"/>.
    /// </summary>
    public Task<T> RunAsync<T>(string operation, Func<VolumeSession, StorageCall<T>, T> work, CancellationToken cancellationToken)
    {
        var current = Current;
        return threads.RunAsync(operation, In(current, work), cancellationToken);
    }

    /// <summary>The same with a deadline of its own.</summary>
    public Task<T> RunAsync<T>(
        string operation, Func<VolumeSession, StorageCall<T>, T> work, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var current = Current;
        return threads.RunAsync(operation, In(current, work), deadline, cancellationToken);
    }

    /// <summary>Runs something that moves data or reads much.</summary>
    public Task<T> TransferAsync<T>(string operation, Func<VolumeSession, StorageCall<T>, T> work, CancellationToken cancellationToken)
    {
        var current = Current;
        return threads.TransferAsync(operation, In(current, work), cancellationToken);
    }

    /// <summary>The same in a share of its own.</summary>
    public Task<T> TransferAsync<T>(
        string operation, Func<VolumeSession, StorageCall<T>, T> work, StorageShare share, CancellationToken cancellationToken)
    {
        var current = Current;
        return threads.RunAsync(operation, In(current, work), options.TransferTimeout, share, cancellationToken);
    }

    /// <summary>Opens the directory of the session once more, to be listed.</summary>
    public Task<OpenedDirectory> OpenAsync(CancellationToken cancellationToken) => RunAsync(
        "open the storage directory to list it",
        (VolumeSession session, StorageCall<OpenedDirectory> _) => new OpenedDirectory(session.Mount.Reopen(), session.MountPoint),
        cancellationToken);

    /// <summary>Closes an open file without waiting for it; see <see cref="StorageThreads.Release"/>.</summary>
    public void Release(IDisposable resource) => threads.Release(resource);

    /// <summary>Checks the session, and begins a new one when there is none or it is dead.</summary>
    /// <exception cref="RefusedException">StorageUnavailable or StorageTimeout when the directory cannot be served, or not be written
    /// to.</exception>
    public async Task EnsureSessionAsync(CancellationToken cancellationToken)
    {
        await EnsureBegunAsync(cancellationToken);
        var fault = await LookAsync(cancellationToken);

        // A full volume is served as far as it can be.
        if (fault is { Reason: not Refusal.NoSpace })
        {
            throw new RefusedException(fault.Reason, fault.Message, fault);
        }
    }

    /// <summary>Leaves the volume. What is left in the private directory, whoever looks next recovers.</summary>
    public async ValueTask DisposeAsync()
    {
        var left = End("the daemon is stopping");
        try
        {
            // What was given up, the beginning of a session above all, may still be at work there.
            await threads.DrainAsync(LeaveTimeout);
            if (left is not null)
            {
                await threads.RunAsync(
                    "leave the volume", (StorageCall<bool> _) => left.Private.TryRemove(left.Mount), LeaveTimeout, CancellationToken.None);
            }
        }
        catch (RefusedException)
        {
            // A volume that does not answer is left all the same.
        }
        finally
        {
            // After that: without its lock the directory would be anybody's.
            Release(left);
        }
    }

    private async Task<RefusedException?> LookAsync(CancellationToken cancellationToken)
    {
        var (current, limit) = (Current, options.OperationTimeout);
        try
        {
            return await threads.RunAsync(
                "look whether the directory can be written to",
                (StorageCall<RefusedException?> _) => writes.Look(current.Mount, current.Private),
                limit,
                looks,
                cancellationToken);
        }
        catch (RefusedException exception) when (exception is { Reason: Refusal.StorageTimeout, InnerException: null })
        {
            throw writes.NoteHungLook(limit);
        }
        catch (RefusedException exception) when (exception.InnerException is OperationCanceledException && writes.Unwritable is { } still)
        {
            // The look that hung has not come back.
            throw new RefusedException(exception.Reason, still, exception);
        }
    }

    /// <summary>The work in a session; why there is no room for it can only be asked there.</summary>
    private Func<StorageCall<T>, T> In<T>(VolumeSession current, Func<VolumeSession, StorageCall<T>, T> work) => call =>
    {
        try
        {
            return work(current, call);
        }
        catch (StorageException exception)
        {
            current.Mount.Explain(exception, options.ReservePercent);
            throw;
        }
    };

    private async Task EnsureBegunAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (session is { } current)
            {
                var fault = await threads.RunAsync(
                    "check the mount", (StorageCall<string?> _) => opener.FindFault(current), options.OperationTimeout, sessions,
                    cancellationToken);
                if (fault is null)
                {
                    return;
                }

                LogSessionEnded(fault);
                Release(End(fault));
            }

            session = await threads.RunAsync(
                "open the storage directory", (StorageCall<VolumeSession> _) => opener.Begin(), options.OperationTimeout, sessions,
                cancellationToken);
            LogSessionBegan(session.MountPoint.FileSystemType, session.MountPoint.Source, session.Private.Name);
        }
        catch (RefusedException exception) when (session is null)
        {
            problem = exception.Message;
            throw;
        }
    }

    private VolumeSession? End(string reason)
    {
        problem = reason;
        var ended = session;
        session = null;
        return ended;
    }

    // The directory's handle is left to the finalizer: calls of other requests may still use it, and closing a directory never waits.
    private void Release(VolumeSession? ended)
    {
        if (ended is not null)
        {
            threads.Release(ended.Private);
            threads.Release(ended.Names);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Serving the storage directory on {Type} {Source}, private directory {Private}")]
    private partial void LogSessionBegan(string type, string source, string @private);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The session with the volume ended: {Reason}")]
    private partial void LogSessionEnded(string reason);
}
