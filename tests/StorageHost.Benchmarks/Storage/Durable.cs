using System.Runtime.InteropServices;
using StorageHost.Files.Posix;

namespace StorageHost.Benchmarks.Storage;

/// <summary>What the benchmark itself asks of files.</summary>
internal static class Durable
{
    /// <summary>Waits until a file is on the storage, as the daemon does before it answers.</summary>
    public static void Sync(string path)
    {
        using var file = File.OpenHandle(path);
        Demand(Syscalls.Sync(file), "fsync");
    }

    /// <summary>How many bytes a file takes, as the mount tells it.</summary>
    public static long Allocated(string path)
    {
        using var file = File.OpenHandle(path);
        Demand(Syscalls.StatAt(file, "", Syscalls.AtEmptyPath, Syscalls.BasicStats, out var stat), "statx");
        return (long)stat.Blocks * 512;
    }

    /// <summary>Fails when a system call did.</summary>
    public static void Demand(int result, string call)
    {
        if (result < 0)
        {
            throw new IOException($"{call} failed with errno {Marshal.GetLastPInvokeError()}");
        }
    }
}
