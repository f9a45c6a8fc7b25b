using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Names;

namespace StorageHost.Files.Publishing;

/// <summary>
/// Ready copies that have a second name. For a moment that is nothing: a daemon is about to finish adding one to its pool. But when the
/// power of a whole Gluster volume has gone, bricks remember different moves of a name, and healing brings all of them back: the other name
/// may be a disk's. A copy that stays so loses its name in the pool; no other name goes.
/// </summary>
internal sealed partial class MultiLinkedCopies(UnreadableFiles unreadable, TimeProvider time, ILogger<MultiLinkedCopies> log)
{
    /// <summary>For so long a second name may be that of a daemon which is about to finish.</summary>
    private static readonly TimeSpan SecondNameLimit = TimeSpan.FromSeconds(10);

    // Since when, for those of the last look.
    private Dictionary<(FileName, ulong), long> known = [];

    /// <summary>Looks after those that there are now.</summary>
    public void Look(DirectoryHandle mount, IEnumerable<(FileName File, FileStat Stat)> doubled)
    {
        var (before, now) = (known, new Dictionary<(FileName, ulong), long>());
        foreach (var (file, stat) in doubled)
        {
            var since = before.TryGetValue((file, stat.Inode), out var first) ? first : time.GetTimestamp();
            if (time.GetElapsedTime(since) < SecondNameLimit)
            {
                now[(file, stat.Inode)] = since;
            }
            else if (unreadable.TryUse(file.Text, () => TryRetire(mount, file, stat.Inode), out var isRetired) && isRetired)
            {
                LogRetired(file, stat.Links);
            }
        }

        known = now;
    }

    // Looked at anew: of two names in the pool the first may have gone just now.
    private static bool TryRetire(DirectoryHandle mount, FileName file, ulong inode) =>
        mount.TryStat(file.Text, out var stat) && stat.Links > 1 && mount.TryUnlink(file.Text, ofInode: inode);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{File} had {Links} names for some time, one of which may be a disk's: the copy is not offered any more")]
    private partial void LogRetired(FileName file, uint links);
}
