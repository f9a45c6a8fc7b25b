namespace StorageHost.Files.Publishing;

/// <summary>Numbers for a new copy, to be tried in turn.</summary>
internal delegate IEnumerable<int> CopyNumbers();

/// <summary>
/// Draws the numbers of copies, so that none is ever used again. A Gluster client remembers for a moment which file a name led to; were
/// the name another copy's by then, a rename would move the new file, and the link after it would name the old one, which is somebody's
/// disk already (seen: 5 doubled disks in 250 rounds of two nodes that took the first free number).
/// </summary>
internal static class DrawnNumbers
{
    private const int Highest = 999_999_999;
    private const int Tries = 100;

    public static IEnumerable<int> Draw() => Enumerable.Repeat(0, Tries).Select(_ => Random.Shared.Next(1, Highest + 1));
}
