using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>
/// Watches what becomes of a file whose fsync failed: nobody knows what it holds, and a second fsync would say yes all the same. So it gets no
/// other name. A copy that was to enter a pool is thrown away. A disk keeps its name, since its caller may have been told of it by another
/// daemon, and loses its private one.
/// </summary>
internal sealed class FailedSyncs
{
    private readonly Dictionary<string, string> pooled = new(StringComparer.Ordinal);
    private readonly HashSet<string> failed = new(StringComparer.Ordinal);
    private readonly HashSet<string> unreachable = new(StringComparer.Ordinal);
    private readonly List<string> faults = [];

    /// <summary>Takes note of a call. A private name is used once, and an open file keeps the one that it was opened by.</summary>
    public void Note(SystemCall call, bool fails)
    {
        var isDiscarded = failed.Contains(call.File);
        switch (call.Name)
        {
            case "fsync" when isDiscarded:
                faults.Add($"{call} was tried again");
                break;
            case "linkat" or "renameat" when isDiscarded:
                faults.Add($"{call} after its fsync had failed");
                break;
            case "renameat" when call.Target.EndsWith("_ready", StringComparison.Ordinal):
                pooled[call.Target] = call.File;
                break;
            case "fsync" when fails && !IsKept(call.File) && (call.File.Contains('/', StringComparison.Ordinal) || pooled.ContainsKey(call.File)):
                failed.Add(call.File);
                break;
            case not "fsync" when fails:
                unreachable.Add(call.File);
                break;
        }
    }

    // A level that is to go was durable long before: it is fsynced to be open in truth, and stays when that fails.
    private static bool IsKept(string file) => file.StartsWith(".storagehost/levels/", StringComparison.Ordinal);

    /// <summary>What was done with such files, and which of them still have a name that they must not have.</summary>
    public IEnumerable<string> Faults(IReadOnlyList<FoundFile> found) => faults.Concat(
        from file in failed
        where !unreachable.Contains(file) && found.Any(each => each.Name == file)
        select $"{file} is still there, and its fsync failed");
}
