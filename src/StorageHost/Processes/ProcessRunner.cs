using System.ComponentModel;
using System.Text;

namespace StorageHost.Processes;

/// <summary>Runs programs: no shell, nothing to read, a deadline, limits, and nothing left over.</summary>
internal sealed partial class ProcessRunner(ToolHost host, ProcessMetrics metrics, TimeProvider time, ILogger<ProcessRunner> logger)
{
    /// <summary>What a program ends with that SIGKILL ends.</summary>
    private const int Killed = 128 + 9;

    /// <summary>Runs a program to its end. An exit code other than 0 is a result, not an exception.</summary>
    /// <exception cref="ProcessNotStartedException">The program is not there, or may not be executed.</exception>
    /// <exception cref="ProcessTimedOutException">It did not end by its deadline.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and has been stopped.</exception>
    public Task<ProcessResult> RunAsync(ProcessCommand command, CancellationToken cancellationToken) =>
        metrics.MeasureAsync(command, () => RunToEndAsync(command, cancellationToken));

    private async Task<ProcessResult> RunToEndAsync(ProcessCommand command, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireArguments(command);
        var started = time.GetTimestamp();
        var answer = await AskAsync(command, cancellationToken);
        if (answer.LeftBehind != 0)
        {
            LogLeftBehind(command.Program, answer.LeftBehind);
        }

        switch (answer.Outcome)
        {
            case ToolOutcome.NotStarted:
                throw new ProcessNotStartedException(command.Program);
            case ToolOutcome.Stopped:
                cancellationToken.ThrowIfCancellationRequested();
                throw new ProcessTimedOutException(command.Program, command.Timeout);
            default:
                return new ProcessResult(
                    answer.ExitCode, Text(answer.Output), Text(answer.Error), answer.Truncated, time.GetElapsedTime(started));
        }
    }

    private async Task<ToolAnswer> AskAsync(ProcessCommand command, CancellationToken cancellationToken)
    {
        try
        {
            // The programs that are run can be run again: nobody needs to know how far one got.
            return await host.RunAsync(command, cancellationToken)
                ?? new ToolAnswer(0, ToolOutcome.Ended, Killed, Error: "the process that runs programs has ended"u8.ToArray());
        }
        catch (TimeoutException)
        {
            throw new ProcessTimedOutException(command.Program, command.Timeout);
        }
        catch (Win32Exception fault)
        {
            throw new ProcessNotStartedException(command.Program, fault);
        }
    }

    private static string Text(byte[]? bytes) => Encoding.UTF8.GetString(bytes ?? []);

    // As strings of C one would be cut short, or be the end of them all.
    private static void RequireArguments(ProcessCommand command)
    {
        if (command.Arguments.Append(command.Program)
            .Any(argument => argument is null || argument.Contains('\0', StringComparison.Ordinal)))
        {
            throw new ArgumentException("an argument is missing, or has a NUL in it", nameof(command));
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Program} (process {ProcessId}) cannot be killed and was left behind")]
    private partial void LogLeftBehind(string program, int processId);
}
