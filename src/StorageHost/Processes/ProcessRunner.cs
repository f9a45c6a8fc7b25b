using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Medallion.Shell;

namespace StorageHost.Processes;

/// <summary>
/// Runs programs: no shell, no standard input, a deadline, limits, and nothing left over. The one file that knows the library
/// under it (MedallionShell, in CliWrap's place).
/// </summary>
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
        var output = BoundedCapture.ReadAsync(child.StandardOutput.BaseStream, command.OutputBytes, reading.Token);
        var error = BoundedCapture.ReadAsync(child.StandardError.BaseStream, command.OutputBytes, reading.Token);

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

        return IsExecFailure(child.Process.ExitCode, stderr.Text)
            ? throw new ProcessNotStartedException(command.Program)
            : new ProcessResult(child.Process.ExitCode, stdout.Text, stderr.Text, stdout.Truncated || stderr.Truncated, duration);
    }

    private static Command Start(ProcessCommand command)
    {
        try
        {
            // setsid: a group of its own, so that whatever it starts is stopped with it. prlimit: the limits, before it runs.
            // Both are in util-linux, which every Debian has.
            string[] argv = ["prlimit", .. Limits(command), "--", command.Program, .. command.Arguments];
            var child = Command.Run("setsid", [], options => options
                .DisposeOnExit(false)
                .WorkingDirectory("/")
                .StartInfo(info => Prepare(info, argv)));
            child.StandardInput.Dispose();

            // Keeps the library from holding in memory what we have not read yet.
            child.StandardOutput.StopBuffering();
            child.StandardError.StopBuffering();
            return child;
        }
        catch (Win32Exception e)
        {
            throw new ProcessNotStartedException(command.Program, e);
        }
    }

    private static void Prepare(ProcessStartInfo info, string[] argv)
    {
        Array.ForEach(argv, info.ArgumentList.Add);

        // Our own environment may hold tokens. LC_ALL: messages are parsed.
        var path = info.Environment["PATH"];
        info.Environment.Clear();
        info.Environment["PATH"] = path;
        info.Environment["LC_ALL"] = "C";

        // Every thread of a program takes 64 MiB of addresses for memory of its own, of the few that its limit leaves.
        info.Environment["MALLOC_ARENA_MAX"] = "2";
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

    /// <summary>Waits for the end; at the deadline, or when cancelled, interrupts, then kills, and waits again.</summary>
    /// <returns>Whether it ended by itself.</returns>
    private async Task<bool> WaitOrStopAsync(Command child, ProcessCommand command, CancellationToken cancellationToken)
    {
        var group = new ProcessGroup(child.ProcessId);
        var exited = child.Process.WaitForExitAsync(CancellationToken.None);
        using var deadline = new CancellationTokenSource(command.Timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await exited.WaitAsync(stop.Token);

            // The group's number cannot be another's already: the kernel hands numbers out in a circle.
            group.Kill();
            return true;
        }
        catch (OperationCanceledException)
        {
            if (!group.Terminate())
            {
                await child.TrySignalAsync(CommandSignal.FromSystemValue(15));
            }
        }

        await EndsWithinAsync(exited, command.Grace);
        if (!group.Kill())
        {
            child.Kill();
        }

        if (!await EndsWithinAsync(exited, KillWait))
        {
            // A process in a system call on a dead mount cannot be killed until the mount is.
            LogLeftBehind(command.Program, child.ProcessId);
        }

        return false;
    }

    private async Task<bool> EndsWithinAsync(Task exited, TimeSpan limit)
    {
        try
        {
            await exited.WaitAsync(limit, time, CancellationToken.None);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static bool IsExecFailure(int exitCode, string error) =>
        exitCode is 126 or 127 && (error.StartsWith("prlimit: failed to execute ", StringComparison.Ordinal)
            || error.StartsWith("setsid: failed to execute ", StringComparison.Ordinal));

    [LoggerMessage(Level = LogLevel.Error, Message = "{Program} (process {ProcessId}) cannot be killed and was left behind")]
    private partial void LogLeftBehind(string program, int processId);
}
