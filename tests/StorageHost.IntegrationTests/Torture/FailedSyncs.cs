using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>
/// Watches what becomes of a file whose fsync failed: nobody knows what it holds, and a second fsync would say yes all the same. So it must
/// be thrown away, under whatever name it bears, as far as the storage lets it.
/// </summary>
internal sealed class FailedSyncs
{
    private readonly Dictionary<string, string> published = new(StringComparer.Ordinal);
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
            case "linkat":
                published[call.File] = call.Target;
                break;
            case "fsync" when fails && call.File.Contains('/', StringComparison.Ordinal):
                failed.Add(call.File);
                break;
            case not "fsync" when fails:
                unreachable.Add(call.File);
                break;
        }
    }

    /// <summary>What was done with such files, and which of them still have a name.</summary>
    public IEnumerable<string> Faults(IReadOnlyList<FoundFile> found) => faults.Concat(
        from file in failed
        where published.ContainsKey(file) && !unreachable.Contains(published[file]) && !unreachable.Contains(file) && found.Any(each => each.Name == published[file])
        select $"{published[file]} is still there, and its fsync failed");
}
