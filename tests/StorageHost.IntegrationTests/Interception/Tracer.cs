using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace StorageHost.IntegrationTests.Interception;

/// <summary>
/// This assembly run as a program: holds every thread of a process, and of the programs that it starts, and asks on its standard output
/// what is to become of each system call on a directory. A process of its own, since .NET takes the stops of traced children for their end.
/// </summary>
internal sealed partial class Tracer(int process, string directory, Stream questions)
{
    /// <summary>The line that says that every thread is held.</summary>
    public const string Attached = "attached";

    private const int Urgent = 23; // SIGURG means nothing to the daemon
    private const int Trap = 5;
    private const int Stopped = 19; // SIGSTOP

    private readonly BlockingCollection<string> answers = [];
    private readonly HashSet<int> awaited = [];
    private volatile bool leaving;

    public static int Main(string[] arguments)
    {
        using var input = Console.OpenStandardInput();
        using var output = Console.OpenStandardOutput();
        new Tracer(int.Parse(arguments[0], CultureInfo.InvariantCulture), arguments[1], output).Run(input);
        return 0;
    }

    // When this process ends, the kernel lets every thread go.
    private void Run(Stream input)
    {
        new Thread(() => Listen(input)) { IsBackground = true }.Start();
        SeizeAll();
        while (!leaving && Ptrace.Wait() is { } stop)
        {
            Handle(stop);
        }
    }

    private void Listen(Stream input)
    {
        using var lines = new StreamReader(input);
        while (lines.ReadLine() is { } line)
        {
            answers.Add(line);
        }

        leaving = true;
        answers.CompleteAdding();
        _ = Kill(process, Urgent);
    }

    // A thread that is born meanwhile belongs to us if its parent did already; else it is found here.
    private void SeizeAll()
    {
        var seized = new HashSet<int>();
        int before;
        do
        {
            before = seized.Count;
            foreach (var thread in Threads().Where(thread => !seized.Contains(thread) && Ptrace.TrySeize(thread)).ToArray())
            {
                seized.Add(thread);
                awaited.Add(thread);
            }
        }
        while (seized.Count > before);
    }

    private int[] Threads() =>
    [
        .. Directory.EnumerateDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task"))
            .Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)),
    ];

    private void Handle(Ptrace.Stop stop)
    {
        if (stop.Lives)
        {
            if (stop.Signal == Ptrace.SystemCallStop)
            {
                Judge(stop.Thread);
            }

            // SIGSTOP stops a traced thread only if its tracer lets it.
            var signal = stop.Event == 0 && stop.Signal is not (Ptrace.SystemCallStop or Trap) ? stop.Signal : 0;
            Ptrace.Continue(stop.Thread, stop is { Event: Ptrace.EventStop, Signal: Stopped } ? Ptrace.StayStopped : Ptrace.Resume, signal);
        }

        if (awaited.Remove(stop.Thread) && awaited.Count == 0)
        {
            Write(Attached);
        }
    }

    private void Judge(int thread)
    {
        if (Read(thread) is not { } call)
        {
            return;
        }

        Write(call.ToLine());
        foreach (var answer in answers.GetConsumingEnumerable())
        {
            if (Verdict.Parse(answer) is { Errno: > 0 } verdict)
            {
                Ptrace.Fail(thread, verdict);
            }

            return;
        }
    }

    private SystemCall? Read(int thread)
    {
        try
        {
            return Ptrace.EntryOf(thread) is { } entry ? SystemCall.Of(entry, thread, process, directory) : null;
        }
        catch (IOException) when (!File.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}/fd/0")))
        {
            return null; // it was killed meanwhile
        }
    }

    private void Write(string line)
    {
        questions.Write(Encoding.UTF8.GetBytes($"{line}\n"));
        questions.Flush();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
