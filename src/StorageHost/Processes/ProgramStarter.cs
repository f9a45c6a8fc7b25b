using System.Collections.Concurrent;
using System.ComponentModel;

namespace StorageHost.Processes;

/// <summary>
/// Starts programs, one after the other, on a thread whose descriptor table is its own since before the daemon opened its storage.
/// </summary>
/// <remarks>
/// A new process has a copy of the table of the thread that starts it, and exec(2) closes most of it. There the kernel sends a FLUSH for
/// every file on a FUSE mount: a round trip for each, and none ends while the client of the mount does not answer. So no thread that has a
/// storage file in its table may start a program.
/// <para>
/// What runs on this thread must close no descriptor but those that it has opened itself: the same number is another file elsewhere. Nor may
/// it start a thread, which would share its table: it hands nothing to the thread pool, and wakes only threads that wait already. (The
/// runtime may make its thread for compiling there; that one keeps no descriptor.)
/// </para>
/// </remarks>
internal static class ProgramStarter
{
    /// <summary>The name of the thread.</summary>
    public const string ThreadName = "starter";

    /// <summary>For what takes microseconds, also on a machine that hardly gets on.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly Lazy<BlockingCollection<Child>> Queue = new(Make);

    /// <summary>Makes the thread, unless it is there. What is open by then stays open in its table as long as this process lives.</summary>
    /// <exception cref="Win32Exception">The kernel, or what confines this process, does not let a thread have a table of its own.</exception>
    /// <exception cref="TimeoutException">The thread did not begin within ten seconds.</exception>
    public static void Begin() => _ = Queue.Value;

    /// <summary>Has a program started when its turn comes.</summary>
    public static void Enqueue(Child child) => Queue.Value.Add(child);

    private static BlockingCollection<Child> Make()
    {
        ProcessEnd.KeepEnds();
        var queue = new BlockingCollection<Child>();
        var apart = new ManualResetEventSlim();
        var error = 0;
        var thread = new Thread(() =>
        {
            error = Spawn.LeaveSharedTable();
            apart.Set();
            if (error == 0)
            {
                Work(queue);
            }
        });
        thread.IsBackground = true;
        thread.Name = ThreadName;
        thread.UnsafeStart();
        if (!apart.Wait(Patience))
        {
            throw new TimeoutException($"the thread that starts programs did not begin within {Patience.TotalSeconds} s");
        }

        return error == 0 ? queue : throw new Win32Exception(error);
    }

    private static void Work(BlockingCollection<Child> queue)
    {
        foreach (var child in queue.GetConsumingEnumerable())
        {
            if (child.TryBegin())
            {
                child.Begun(Spawn.Start(child.Arguments, child.Environment, child.OutputNumber, child.ErrorNumber, out var processId), processId);
            }
        }
    }
}
