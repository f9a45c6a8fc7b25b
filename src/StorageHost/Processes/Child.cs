using System.ComponentModel;
using System.IO.Pipes;

namespace StorageHost.Processes;

/// <summary>
/// One program, from the wish to start it to its end. A thread of its own waits for both, since neither has a deadline: an exec from a dead
/// mount hangs, and so may an end. Programs are few.
/// </summary>
internal sealed class Child : IDisposable
{
    private readonly AnonymousPipeServerStream output = new(PipeDirection.In);
    private readonly AnonymousPipeServerStream error = new(PipeDirection.In);
    private readonly TaskCompletionSource<int> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly object gate = new();
    private Stage stage;
    private ProcessGroup group;
    private int startError;
    private bool stopped;

    /// <param name="arguments">The program, looked up in PATH, and its arguments.</param>
    /// <param name="environment">Its whole environment.</param>
    /// <exception cref="IOException">Too many files are open.</exception>
    public Child(string[] arguments, string[] environment)
    {
        (Arguments, Environment) = (arguments, environment);
        (OutputNumber, ErrorNumber) = ((int)output.ClientSafePipeHandle.DangerousGetHandle(), (int)error.ClientSafePipeHandle.DangerousGetHandle());
        new Thread(Follow) { IsBackground = true, Name = "program" }.UnsafeStart();
    }

    private enum Stage
    {
        Waiting,
        Beginning,
        Running,
        Over,
    }

    public string[] Arguments { get; }

    public string[] Environment { get; }

    /// <summary>The descriptor of the pipe that is to be its standard output; open until it has begun, or will not.</summary>
    public int OutputNumber { get; }

    /// <summary>The same for its standard error.</summary>
    public int ErrorNumber { get; }

    /// <summary>0 before it runs.</summary>
    public int ProcessId { get; private set; }

    /// <summary>What it writes to standard output.</summary>
    public Stream Output => output;

    /// <summary>What it writes to standard error.</summary>
    public Stream Error => error;

    /// <summary>
    /// Its exit code, or 128 plus the number of the signal that ended it, when nothing is left of its group but what is just dying; a
    /// Win32Exception when it could not be started; cancelled when it was stopped before.
    /// </summary>
    public Task<int> Ended => ended.Task;

    /// <summary>The starter takes it on; false when it was stopped before.</summary>
    public bool TryBegin()
    {
        lock (gate)
        {
            stage = stopped ? Stage.Over : Stage.Beginning;
            Monitor.PulseAll(gate);
            return stage == Stage.Beginning;
        }
    }

    /// <summary>The starter is done with it.</summary>
    /// <param name="errno">Why it could not be started; 0 when it was.</param>
    /// <param name="processId">It, the leader of its own group.</param>
    public void Begun(int errno, int processId)
    {
        lock (gate)
        {
            startError = errno;
            stage = errno == 0 ? Stage.Running : Stage.Over;
            if (errno == 0)
            {
                ProcessId = processId;
                group = new ProcessGroup(processId);
                _ = stopped && group.Kill();
            }

            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Asks it, and what it has started, to end. It is not started any more if it was not yet.</summary>
    public void Terminate() => Stop(static group => group.Terminate());

    /// <summary>Ends it and what it has started; as <see cref="Terminate"/>.</summary>
    public void Kill() => Stop(static group => group.Kill());

    public void Dispose()
    {
        output.Dispose();
        error.Dispose();
    }

    private void Stop(Func<ProcessGroup, bool> signal)
    {
        lock (gate)
        {
            stopped = true;
            _ = stage == Stage.Running && signal(group);
            Monitor.PulseAll(gate);
        }
    }

    private void Follow()
    {
        var began = WaitForBeginning();
        output.DisposeLocalCopyOfClientHandle();
        error.DisposeLocalCopyOfClientHandle();
        if (!began)
        {
            _ = startError == 0 ? ended.TrySetCanceled() : ended.TrySetException(new Win32Exception(startError));
            return;
        }

        try
        {
            ended.TrySetResult(End());
        }
        catch (InvalidOperationException e)
        {
            lock (gate)
            {
                stage = Stage.Over; // its number may be anybody's now
            }

            ended.TrySetException(e);
        }
    }

    private int End()
    {
        ProcessEnd.Await(ProcessId);
        lock (gate)
        {
            // Until it is reaped its number is nobody else's, and after that nothing is signalled.
            group.Kill();
            stage = Stage.Over;
            return ProcessEnd.Reap(ProcessId);
        }
    }

    private bool WaitForBeginning()
    {
        lock (gate)
        {
            while (stage == Stage.Beginning || (stage == Stage.Waiting && !stopped))
            {
                Monitor.Wait(gate);
            }

            return stage == Stage.Running;
        }
    }
}
