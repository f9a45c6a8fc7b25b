namespace StorageHost.Files.Index;

/// <summary>
/// The disks whose file has had a second name for longer than a publisher or a recovery leaves it there. Such a file may be the disk of two
/// hosts, so an operator is told; nothing is done about it.
/// </summary>
internal sealed class MultiLinkedDisks(TimeProvider time)
{
    /// <summary>Several looks of a recovery at the default interval; a name that is just being given is gone long before.</summary>
    private static readonly TimeSpan Normal = TimeSpan.FromSeconds(20);

    // Since when, for those of the last look.
    private Dictionary<string, long> known = [];

    /// <summary>Takes up those that a look has found.</summary>
    /// <returns>Those that have been found for long enough, sorted.</returns>
    public IReadOnlyList<string> Take(IEnumerable<string> found)
    {
        var (before, now) = (known, time.GetTimestamp());
        known = found.ToDictionary(name => name, name => before.GetValueOrDefault(name, now), StringComparer.Ordinal);
        return [.. known.Where(disk => time.GetElapsedTime(disk.Value, now) >= Normal).Select(disk => disk.Key)
            .Order(StringComparer.Ordinal)];
    }
}
