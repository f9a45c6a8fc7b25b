namespace StorageHost.Files.Posix;

/// <summary>A file system that has room, and no inode for another file.</summary>
/// <param name="Left">How many inodes are left.</param>
/// <param name="Total">How many there can be.</param>
/// <param name="FreeBytes">The room that there is.</param>
internal sealed record InodeShortage(long Left, long Total, long FreeBytes)
{
    /// <summary>XFS makes inodes by 64, and none where not all of them are allowed.</summary>
    private const int InodesOfChunk = 64;

    /// <summary>With less room than this it may be room that is lacking.</summary>
    private const long Room = 1 << 20;

    /// <summary>What a file system's numbers say; null without a shortage. One that makes inodes as it needs them counts none.</summary>
    public static InodeShortage? Of(in VolumeStat stat)
    {
        var free = (long)(stat.BlocksAvailable * stat.FragmentSize);
        return stat is { Inodes: > 0, InodesAvailable: < InodesOfChunk } && free >= Room
            ? new InodeShortage((long)stat.InodesAvailable, (long)stat.Inodes, free)
            : null;
    }
}
