using System.Runtime.InteropServices;

namespace StorageHost.Processes;

/// <summary>A child that leads a process group of its own, with whatever it started: signals reach all of them.</summary>
internal readonly partial struct ProcessGroup
{
    private readonly int _leader;

    public ProcessGroup(int leader)
    {
        // kill(2) takes 0 for the caller's own group and -1 for every process there is.
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(leader, 1);
        _leader = leader;
    }

    /// <summary>Asks all members to end.</summary>
    /// <returns>False when none was reached: the group is empty, or not made yet.</returns>
    public bool Terminate() => Signal(15);

    /// <summary>Ends all members; as <see cref="Terminate"/>.</summary>
    public bool Kill() => Signal(9);

    private bool Signal(int signal) => NativeKill(-_leader, signal) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int NativeKill(int pid, int signal);
}
