using System.ComponentModel;
using System.Globalization;

namespace StorageHost.Processes;

/// <summary>Runs programs: no shell, no standard input, a deadline, limits, and nothing left over.</summary>
internal sealed partial class ProcessRunner(ProcessMetrics metrics, TimeProvider time, ILogger<ProcessRunner> logger)
{
    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DrainWait = TimeSpan.FromSeconds(10);

    /// <summary>Runs a program to its end. An exit code other than 0 is a result, not an exception.</summary>
    /// <exception cref="ProcessNotStartedException">The program is not there, or may not be executed.</exception>
    /// <exception cref="ProcessTimedOutException">It did not end by its deadline.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and has been stopped.</exception>
    public Task<ProcessResult> RunAsync(ProcessCommand command, CancellationToken cancellationToken) =>
        metrics.MeasureAsync(command, () => RunToEndAsync(command, cancellationToken));

    private async Task<ProcessResult> RunToEndAsync(ProcessCommand command, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var started = time.GetTimestamp();
        using var child = Start(command);
        using var reading = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        var output = BoundedCapture.ReadAsync(child.Output, command.OutputBytes, reading.Token);
        var error = BoundedCapture.ReadAsync(child.Error, command.OutputBytes, reading.Token);

        var ended = await WaitOrStopAsync(child, command, cancellationToken);
        var duration = time.GetElapsedTime(started);

        // A grandchild that left the group could hold the pipes open for ever.
        reading.CancelAfter(DrainWait);
        var (stdout, stderr) = (await output, await error);
        if (!ended)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ProcessTimedOutException(command.Program, command.Timeout);
        }

        return await ExitCodeAsync(child, command) is var exitCode && IsExecFailure(exitCode, stderr.Text)
            ? throw new ProcessNotStartedException(command.Program)
            : new ProcessResult(exitCode, stdout.Text, stderr.Text, stdout.Truncated || stderr.Truncated, duration);
    }

    private static Child Start(ProcessCommand command)
    {
        // prlimit: the limits, before it runs. It is in util-linux, which every Debian has.
        string[] arguments = ["prlimit", .. Limits(command), "--", command.Program, .. command.Arguments];

        // As strings of C one would be cut short, or be the end of them all.
        if (Array.Exists(arguments, argument => argument is null || argument.Contains('\0', StringComparison.Ordinal)))
        {
            throw new ArgumentException("an argument is missing, or has a NUL in it", nameof(command));
        }

        try
        {
            var child = new Child(arguments, BareEnvironment());
            ProgramStarter.Enqueue(child);
            return child;
        }
        catch (IOException e)
        {
            throw new ProcessNotStartedException(command.Program, e);
        }
    }

    private static string[] BareEnvironment()
    {
        // Our own may hold tokens. LC_ALL: messages are parsed.
        string[] path = Environment.GetEnvironmentVariable("PATH") is { } value ? [$"PATH={value}"] : [];

        // Every thread of a program takes 64 MiB of addresses for memory of its own, of the few that its limit leaves.
        return [.. path, "LC_ALL=C", "MALLOC_ARENA_MAX=2"];
    }

    private static string[] Limits(ProcessCommand command)
    {
        var cpuSeconds = (long)Math.Ceiling((command.CpuTime ?? command.Timeout).TotalSeconds);
        return [
            string.Create(CultureInfo.InvariantCulture, $"--as={command.MemoryBytes}"),
            string.Create(CultureInfo.InvariantCulture, $"--cpu={cpuSeconds}"),
            "--core=0",
        ];
    }

    /// <summary>
    /// Waits for the end; at the deadline, or when cancelled, interrupts, then kills, and waits again. All of that begins before the program
    /// does: it is not started any more if its turn did not come, and is killed at once if its start hangs and comes through later.
    /// </summary>
    /// <returns>Whether it ended by itself, or could not be started.</returns>
    private async Task<bool> WaitOrStopAsync(Child child, ProcessCommand command, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(command.Timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        await ((Task)child.Ended).WaitAsync(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (child.Ended.IsCompleted)
        {
            return true;
        }

        child.Terminate();
        await EndsWithinAsync(child.Ended, command.Grace);
        child.Kill();
        if (!await EndsWithinAsync(child.Ended, KillWait))
        {
            // A process in a system call on a dead mount cannot be killed until the mount is.
            LogLeftBehind(command.Program, child.ProcessId);
        }

        return false;
    }

    private async Task<bool> EndsWithinAsync(Task ended, TimeSpan limit)
    {
        await ended.WaitAsync(limit, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ended.IsCompleted;
    }

    private static async Task<int> ExitCodeAsync(Child child, ProcessCommand command)
    {
        try
        {
            return await child.Ended;
        }
        catch (Win32Exception e)
        {
            throw new ProcessNotStartedException(command.Program, e);
        }
    }

    private static bool IsExecFailure(int exitCode, string error) =>
        exitCode is 126 or 127 && error.StartsWith("prlimit: failed to execute ", StringComparison.Ordinal);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Program} (process {ProcessId}) cannot be killed and was left behind")]
    private partial void LogLeftBehind(string program, int processId);
}
