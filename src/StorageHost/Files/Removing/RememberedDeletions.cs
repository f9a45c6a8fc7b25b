using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;

namespace StorageHost.Files.Removing;

/// <summary>Whether what is deleted on such a mount may come back.</summary>
internal delegate bool BringsBack(MountPoint mount);

/// <summary>
/// Sees to it that what was deleted from a Gluster volume stays deleted. A brick that was away knows the file still, and for some seconds
/// of its return Gluster may take that for the truth (docs/reliability.md). So each deletion leaves a record on the volume; while it
/// stands, every daemon looks whether the name leads to that very file again, and deletes it again.
/// </summary>
internal sealed partial class RememberedDeletions(
    FileNames names, DeletedFileLocks deleted, UnreadableFiles unreadable, BrickCalm calm, BringsBack bringsBack, ImageMetrics metrics,
    TimeProvider time, ILogger<RememberedDeletions> log)
{
    /// <summary>So many records may stand: a listing of them, with every look, takes a fraction of a second then.</summary>
    private const int Most = 10_000;

    /// <summary>So many files are deleted again, and as many records removed, with one look.</summary>
    private const int MostAtOnce = 100;

    // Since when, for those of the last look.
    private Dictionary<Deletion, long> standing = [];
    private int count;
    private string? problem;
    private VolumeSession? prepared;

    /// <summary>Makes the records of files that are about to be deleted.</summary>
    public void Remember(VolumeSession session, IEnumerable<Deletion> deletions)
    {
        if (!bringsBack(session.MountPoint))
        {
            return;
        }

        foreach (var deletion in deletions)
        {
            if (Interlocked.Increment(ref count) > Most)
            {
                LogNotRemembered(deletion.File, "there are too many records");
                continue;
            }

            try
            {
                DeletionRecords.Write(session.Mount, deletion);
            }
            catch (StorageException exception) when (exception.Errno is Errno.NoSpace or Errno.QuotaExceeded)
            {
                // Who deletes on a full volume makes room.
                LogNotRemembered(deletion.File, exception.Message);
            }
        }
    }

    /// <summary>Removes the records of files that were not deleted after all, as far as the storage lets it.</summary>
    public void Forget(VolumeSession session, IEnumerable<Deletion> deletions)
    {
        if (!bringsBack(session.MountPoint))
        {
            return;
        }

        foreach (var deletion in deletions)
        {
            try
            {
                DeletionRecords.Remove(session.Mount, deletion);
            }
            catch (StorageException)
            {
                // Then the file goes at the next look, as its caller wanted.
            }
        }
    }

    /// <summary>Deletes again what is back, and removes the records that nobody needs any more.</summary>
    /// <param name="session">Where.</param>
    /// <param name="present">The names that are there; of a copy also which file it is, as it may come back under a name that it had
    /// earlier.</param>
    /// <returns>The names that lead, or led until now, to files that were deleted.</returns>
    public IReadOnlyCollection<FileName> Look(VolumeSession session, IEnumerable<(FileName File, ulong? Inode)> present)
    {
        if (!bringsBack(session.MountPoint))
        {
            return [];
        }

        calm.Look(session.MountPoint.Source);
        var (back, again) = (new HashSet<FileName>(), new HashSet<FileName>());
        try
        {
            Renew(session);
            foreach (var (inode, file) in Candidates(present))
            {
                if (back.Count < MostAtOnce
                    && unreadable.TryUse($"the deleted {file}", () => TryRepeat(session.Mount, file, inode), out var found)
                    && found != Found.Another)
                {
                    back.Add(file);
                    _ = found == Found.DeletedAgain && again.Add(file);
                }
            }

            // Also of files in use: a deletion that was refused or cut short must not wait for days until the guest pauses.
            foreach (var (deletion, _) in standing.Where(record => calm.HasLasted(record.Value) && !again.Contains(record.Key.File))
                .Take(MostAtOnce))
            {
                DeletionRecords.Remove(session.Mount, deletion);
            }

            problem = null;
        }
        catch (StorageException exception)
        {
            // While bricks come and go the folder may be out of reach for some time, and nothing else need be.
            if (problem != exception.Message)
            {
                problem = exception.Message;
                LogHindered(problem);
            }
        }

        return back;
    }

    private void Renew(VolumeSession session)
    {
        // Now rather than with the first deletion: a folder that is made while a brick is away has to be healed itself when it is back.
        if (prepared != session)
        {
            session.Mount.MakeDirectory(DeletionRecords.Folder);
            prepared = session;
        }

        var (before, now) = (standing, time.GetTimestamp());
        standing = DeletionRecords.Read(session.Mount, names)
            .ToDictionary(deletion => deletion, deletion => before.GetValueOrDefault(deletion, now));
        count = standing.Count;
    }

    private IEnumerable<Deletion> Candidates(IEnumerable<(FileName File, ulong? Inode)> present)
    {
        var byName = standing.Keys.ToLookup(deletion => deletion.File, deletion => deletion.Inode);
        var inodes = standing.Keys.Select(deletion => deletion.Inode).ToHashSet();
        return present.SelectMany(each =>
            (each.Inode is { } known && inodes.Contains(known) ? [known] : byName[each.File])
                .Select(inode => new Deletion(inode, each.File)));
    }

    /// <summary>Deletes a file again if it is the one and nobody uses it.</summary>
    private Found TryRepeat(DirectoryHandle mount, FileName name, ulong inode)
    {
        var text = name.Text;
        if (!mount.TryStat(text, out var stat)
            || !stat.IsRegular
            || stat.Inode != inode
            || mount.TryOpen(text, Syscalls.ReadWrite) is not { } file)
        {
            return Found.Another;
        }

        var isKept = false;
        try
        {
            // What the name leads to this node may believe a second too long. But the lock is set on the bricks, and only on a file that is
            // there. Who has it keeps all others from deleting the file, so nobody can have given its name to another until it is gone.
            if (DirectoryHandle.Stat(file, text).Inode != inode)
            {
                return Found.Another;
            }

            if (mount.Locks.TryKeepAllOut(file, text) && mount.TryUnlink(text, ofInode: inode))
            {
                metrics.DeletedAgain();
                LogRepeated(name);
                DirectoryHandle.Sync(file, text);
                deleted.Keep([file]);
                isKept = true;
            }

            return isKept ? Found.DeletedAgain : Found.InUse;
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoEntry or Errno.Stale)
        {
            return Found.Another;
        }
        finally
        {
            if (!isKept)
            {
                file.Dispose();
            }
        }
    }

    /// <summary>What a name of a record leads to.</summary>
    private enum Found
    {
        /// <summary>Another file, or nothing.</summary>
        Another,

        /// <summary>The deleted file, which somebody uses.</summary>
        InUse,

        /// <summary>The deleted file, which is gone now.</summary>
        DeletedAgain,
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{File} had been deleted and was there again, brought back by a brick that was away: it was deleted again")]
    private partial void LogRepeated(FileName file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Deleted files cannot be checked now: {Reason}")]
    private partial void LogHindered(string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "No record was made of the deletion of {File}: {Reason}. If a returning brick restores it, it stays")]
    private partial void LogNotRemembered(FileName file, string reason);
}
