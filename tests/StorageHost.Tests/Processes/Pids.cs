using System.Globalization;
using StorageHost.Tests.Support;

namespace StorageHost.Tests.Processes;

/// <summary>Whether processes are there.</summary>
internal static class Pids
{
    /// <summary>An orphan dies a moment after its signal, and the machine's first process may leave it a zombie.</summary>
    public static Task GoneAsync(int pid) => Eventually.HoldsAsync(() => !IsAlive(pid));

    public static bool IsAlive(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }
}
