using System.Runtime.InteropServices;

namespace StorageHost.Processes;

/// <summary>A child that leads a process group of its own, with whatever it started: a signal reaches all of them.</summary>
internal readonly partial struct ProcessGroup
{
    private const int SignalKill = 9;

    public ProcessGroup(int leader)
    {
        // kill(2) takes 0 for the caller's own group and -1 for every process there is.
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(leader, 1);
        Leader = leader;
    }

    /// <summary>The child; its number is that of the group.</summary>
    public int Leader { get; }

    /// <summary>Ends all members; nothing when there are none.</summary>
    public void Kill() => _ = NativeKill(-Leader, SignalKill);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int NativeKill(int pid, int signal);
}
