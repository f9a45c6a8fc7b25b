using System.ComponentModel;

namespace StorageHost.Processes;

/// <summary>
/// The tool host of this daemon: a process that has no storage file open, and so can start programs while the storage hangs. If it ends,
/// the next run starts another.
/// </summary>
internal sealed partial class ToolHost(TimeProvider time, ILogger<ToolHost> log) : IAsyncDisposable
{
    /// <summary>
    /// Above a program's own deadline: for its kill, for what is left in its pipes, and for a machine that hardly gets on.
    /// </summary>
    private static readonly TimeSpan AnswerMargin = TimeSpan.FromSeconds(25);

    private static readonly TimeSpan EndWait = TimeSpan.FromSeconds(3);

    private readonly Lock gate = new();
    private Task<ToolSession>? current;
    private bool isDisposed;

    /// <summary>Starts it, so that it inherits nothing that is opened later.</summary>
    /// <exception cref="Win32Exception">It could not be started.</exception>
    public Task StartAsync() => SessionAsync();

    /// <summary>Has it run a program.</summary>
    /// <returns>Null when it ended meanwhile, and the program with it.</returns>
    /// <exception cref="TimeoutException">It did not run by the program's deadline: a start while the storage is open hangs with the
    /// storage.</exception>
    /// <exception cref="Win32Exception">It could not be started.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the program has been stopped.</exception>
    public async Task<ToolAnswer?> RunAsync(ProcessCommand command, CancellationToken cancellationToken)
    {
        var session = await SessionAsync().WaitAsync(command.Timeout, time, cancellationToken);
        return await session.RunAsync(command, command.Timeout + command.Grace + AnswerMargin, time, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Task<ToolSession>? last;
        lock (gate)
        {
            isDisposed = true;
            (last, current) = (current, null);
        }

        if (last is { IsCompletedSuccessfully: true })
        {
            using var session = await last;
            session.Close();
            await session.Ended.WaitAsync(EndWait, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task<ToolSession> SessionAsync()
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            return current is { IsFaulted: false } running && !HasEnded(running)
                ? running
                : current = Task.Factory.StartNew(Start, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private static bool HasEnded(Task<ToolSession> session) => session.IsCompletedSuccessfully && session.Result.Ended.IsCompleted;

    private ToolSession Start()
    {
        var session = new ToolSession(LogComplaint);
        _ = session.Ended.ContinueWith(_ => LogEnd(session), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return session;
    }

    private void LogEnd(ToolSession session)
    {
        if (!isDisposed)
        {
            LogEnded(session.ProcessId);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The process that runs programs ({ProcessId}) has ended; the next program starts another")]
    private partial void LogEnded(int processId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The process that runs programs says: {Line}")]
    private partial void LogComplaint(string line);
}
