using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace StorageHost.Processes;

/// <summary>
/// The tool host itself: this program, started once more with a word of its own. It reads requests from its standard input, a line each,
/// runs the programs, and answers on its standard output. It ends with its input, which the kernel closes when the daemon ends, however it
/// does.
/// </summary>
internal sealed partial class ToolServer
{
    /// <summary>The only argument of a tool host.</summary>
    public const string Word = "tool-host";

    private const int BrokenPipe = 13; // SIGPIPE

    private readonly ConcurrentDictionary<long, ToolRun> runs = new();
    private readonly Lock one = new();
    private readonly Stream answers = Console.OpenStandardOutput();
    private volatile bool isOver;

    /// <summary>Serves until the daemon ends.</summary>
    /// <returns>The exit code.</returns>
    public static int Run()
    {
        // They are meant for the daemon, which still needs its programs while it stops.
        using var interrupt = Ignore(PosixSignal.SIGINT);
        using var terminate = Ignore(PosixSignal.SIGTERM);
        using var hangUp = Ignore(PosixSignal.SIGHUP);
        using var quit = Ignore(PosixSignal.SIGQUIT);

        // The runtime has it ignored, and so would every program that is started from here.
        _ = SetSignal(BrokenPipe, 0 /* SIG_DFL */);
        new ToolServer().Serve();
        return 0;
    }

    private static PosixSignalRegistration Ignore(PosixSignal signal) =>
        PosixSignalRegistration.Create(signal, context => context.Cancel = true);

    /// <summary>
    /// Reads and starts on one thread, the process's first, which lives as long as the process does: with it the programs end.
    /// </summary>
    private void Serve()
    {
        using var requests = new StreamReader(Console.OpenStandardInput());
        while (requests.ReadLine() is { } line)
        {
            var request = ToolMessages.ReadRequest(line);
            if (request.Command is { } command)
            {
                _ = RunAsync(request.Id, command);
            }
            else if (runs.TryGetValue(request.Id, out var run))
            {
                run.Stop();
            }
        }

        isOver = true;
        foreach (var run in runs.Values)
        {
            run.Kill();
        }
    }

    private async Task RunAsync(long id, ProcessCommand command)
    {
        using var run = new ToolRun(command);
        runs[id] = run;
        try
        {
            Answer(await run.RunAsync(id));
        }
#pragma warning disable CA1031 // An answer that is not given leaves its caller waiting. The end of all of it is told to everybody.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Environment.FailFast("a run failed", fault);
        }
        finally
        {
            runs.TryRemove(id, out _);
        }
    }

    private void Answer(ToolAnswer answer)
    {
        lock (one)
        {
            if (!isOver)
            {
                ToolMessages.Write(answers, answer);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetSignal(int signal, nint handler);
}
