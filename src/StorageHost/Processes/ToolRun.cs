using System.ComponentModel;
using System.Text;
using CliWrap;

namespace StorageHost.Processes;

/// <summary>
/// One program, run by CliWrap: a deadline, an interrupt and then a kill for all of it, bounded output, and nothing left over.
/// </summary>
internal sealed class ToolRun : IDisposable
{
    private static readonly TimeSpan DrainWait = TimeSpan.FromSeconds(10);

    private readonly ProcessCommand command;
    private readonly CancellationTokenSource interrupt;
    private readonly CancellationTokenSource kill = new();
    private readonly CancellationTokenSource drain = new();
    private readonly CancellationTokenRegistration grace;
    private readonly Lock gate = new();
    private BoundedCapture output;
    private BoundedCapture error;
    private ProcessGroup? group;
    private Task ended = Task.CompletedTask;
    private bool isOver;

    public ToolRun(ProcessCommand command)
    {
        this.command = command;
        interrupt = new CancellationTokenSource(command.Timeout);
        grace = interrupt.Token.Register(() => kill.CancelAfter(command.Grace));
    }

    /// <summary>
    /// Runs it to its end. The start is over when this returns its task: the kernel ends the program together with the thread that calls
    /// this.
    /// </summary>
    /// <param name="id">Tells the run from others.</param>
    public async Task<ToolAnswer> RunAsync(long id)
    {
        try
        {
            var running = ToolCage.Wrap(command)
                .WithStandardOutputPipe(
                    PipeTarget.Create(async (stream, _) =>
                        output = await BoundedCapture.ReadAsync(stream, command.OutputBytes, drain.Token)))
                .WithStandardErrorPipe(
                    PipeTarget.Create(async (stream, _) =>
                        error = await BoundedCapture.ReadAsync(stream, command.OutputBytes, drain.Token)))
                .ExecuteAsync(null, process => ended = process.WaitForExitAsync(), kill.Token, interrupt.Token);
            group = new ProcessGroup(running.ProcessId);
            var cleaning = CleanUpAsync(group.Value);
            var result = await running;
            await cleaning;
            return ToolCage.IsExecFailure(result.ExitCode, error.Bytes)
                ? new ToolAnswer(id, ToolOutcome.NotStarted)
                : new ToolAnswer(id, ToolOutcome.Ended, result.ExitCode, output.Bytes, error.Bytes, output.Truncated || error.Truncated);
        }
        catch (Exception fault) when (fault is Win32Exception or IOException or InvalidOperationException)
        {
            return new ToolAnswer(id, ToolOutcome.NotStarted, Error: Encoding.UTF8.GetBytes(fault.Message));
        }
        catch (OperationCanceledException)
        {
            return new ToolAnswer(id, ToolOutcome.Stopped);
        }
        catch (TimeoutException)
        {
            // A process in a system call on a dead mount cannot be killed until the mount is.
            return new ToolAnswer(id, ToolOutcome.Stopped, LeftBehind: group?.Leader ?? 0);
        }
    }

    /// <summary>Interrupts it, and kills it later, as at the deadline; nothing when it has ended.</summary>
    public void Stop()
    {
        lock (gate)
        {
            if (!isOver && !ended.IsCompleted)
            {
                interrupt.Cancel();
            }
        }
    }

    /// <summary>Kills it, and what it has started.</summary>
    public void Kill()
    {
        lock (gate)
        {
            if (!isOver)
            {
                kill.Cancel();
                group?.Kill();
            }
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            isOver = true;
            grace.Dispose();
            interrupt.Dispose();
            kill.Dispose();
            drain.Dispose();
        }
    }

    /// <summary>
    /// When the program has ended, however it did, all that it started and left in its group ends too. A group's number is nobody else's
    /// while it has members; when it has none, the kernel would have to give out every other number first.
    /// </summary>
    private async Task CleanUpAsync(ProcessGroup started)
    {
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        interrupt.CancelAfter(Timeout.InfiniteTimeSpan);
        started.Kill();

        // A grandchild that left the group could hold the pipes open for ever.
        drain.CancelAfter(DrainWait);
    }
}
