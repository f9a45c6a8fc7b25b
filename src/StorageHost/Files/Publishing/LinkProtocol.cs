using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Publishing;

/// <summary>
/// The one way a disk's name comes to be (evidence: docs/decisions/0002-claim-protocol.md). The file is whole and fsynced under a private
/// name. <c>link</c> gives it the final name or says that the name is taken, a second fsync makes the name durable, and the removal of the
/// private name commits. A name that was given is never taken back; the one exception is a file that another daemon had recovered before.
/// </summary>
internal static class LinkProtocol
{
    /// <summary>Publishes a private file under a name that publishers on other nodes may want at the same moment.</summary>
    /// <param name="session">The session that the file belongs to.</param>
    /// <param name="file">The file, fsynced.</param>
    /// <param name="to">The final name.</param>
    /// <param name="mayLink">Whether the caller is still there; asked last before the name is given.</param>
    /// <param name="isUntouched">Whether the state of a file with one name is still the one that was to be published.</param>
    /// <param name="mark">The request's mark on the file, by which another daemon may have answered the same request.</param>
    /// <exception cref="StorageException">The outcome is unknown: the name may have been given. The file belongs to no pool any
    /// more.</exception>
    public static NamingOutcome Publish(
        VolumeSession session, PrivateFile file, FileName to, Func<bool> mayLink, Func<FileStat, bool> isUntouched,
        RequestMark? mark = null)
    {
        using var right = session.Names.TryTake(to);
        if (right is null)
        {
            return NamingOutcome.Taken;
        }

        var handle = session.Mount.Opened(file);
        bool TryRemove(string name) => TryRemovePrivateName(session, name);
        try
        {
            return Publish(session.Mount, handle, file.Name, to, mayLink, isUntouched, TryRemove, mark);
        }
        catch (StorageException failed) when (failed is { Call: "link", Errno: Errno.QuotaExceeded })
        {
            // Near its limit, a Gluster quota counts a file once more when it is linked into another directory; within one directory it
            // does not.
            session.Private.MoveBeside(session.Mount, file);
            return Publish(session.Mount, handle, file.Name, to, mayLink, isUntouched, TryRemove, mark);
        }
    }

    /// <summary>The protocol itself; <paramref name="tryRemove"/> removes the private name, or says that it is gone.</summary>
    internal static NamingOutcome Publish(
        DirectoryHandle mount, SafeFileHandle file, string from, FileName to, Func<bool> mayLink, Func<FileStat, bool> isUntouched,
        Func<string, bool> tryRemove, RequestMark? mark = null)
    {
        if (!mayLink())
        {
            return NamingOutcome.Abandoned;
        }

        try
        {
            switch (mount.Link(from, file, to.Text))
            {
                case LinkOutcome.Taken: return NamingOutcome.Taken;
                case LinkOutcome.Gone: return NamingOutcome.Gone;

                // Two daemons may hold a file that was recovered, and each find the name that the other gave: neither takes it for its own.
                case LinkOutcome.Found when RecoveredMark.IsOn(file, from):
                    TryRemove(from, tryRemove);
                    throw new StorageException("link", to.Text, Errno.Exists) { LeavesOutcomeUnknown = true };
            }

            DirectoryHandle.Sync(file, to.Text);
        }
        catch (StorageException failed) when (!failed.LeavesOutcomeUnknown && !LeftAllAsItWas(failed))
        {
            // Whether the name was given is unknown. If it was, it stays; in either case the file must never reach a pool again.
            TryRemove(from, tryRemove);
            failed.LeavesOutcomeUnknown = true;
            throw;
        }

        try
        {
            return Commit(mount, file, from, to, isUntouched, tryRemove, mark);
        }
        catch (StorageException failed)
        {
            failed.LeavesOutcomeUnknown = true;
            throw;
        }
    }

    /// <summary>The errors with which a file system refuses a link before it does anything.</summary>
    private static bool LeftAllAsItWas(StorageException failed) =>
        failed is { Call: "link", Errno: Errno.NoSpace or Errno.QuotaExceeded or Errno.ReadOnly or Errno.NotPermitted or Errno.Access };

    /// <summary>Removes a private name by a call that the servers decide.</summary>
    /// <remarks>
    /// On a volume that distributes, Gluster says yes to the removal of a name that is gone (10.3, dht_unlink_cbk), but looks the name up
    /// anew before it renames it. So there the name is moved to another private one first, which then goes, now or with the next recovery.
    /// </remarks>
    public static bool TryRemovePrivateName(VolumeSession session, string name)
    {
        if (!session.Names.Distributes)
        {
            return session.Mount.TryUnlinkOwn(name);
        }

        using var moved = session.Private.NewFile(PrivateKind.Making);
        if (!session.Mount.TryRename(name, moved.Name))
        {
            return false;
        }

        try
        {
            session.Mount.TryUnlink(moved.Name);
        }
        catch (StorageException)
        {
            // It is committed all the same.
        }

        return true;
    }

    private static void TryRemove(string name, Func<string, bool> tryRemove)
    {
        try
        {
            tryRemove(name);
        }
        catch (StorageException)
        {
            // Recovery removes the private name of a file with two.
        }
    }

    /// <summary>
    /// Removes the private name. The server resolves it, so it is there exactly as long as no other daemon has recovered the file, whatever
    /// this client remembers. A recovery that finds two names removes the private one, so the final one is alone after a moment. One that
    /// came before the link took the file for its own, and it has another name then.
    /// </summary>
    internal static NamingOutcome Commit(
        DirectoryHandle mount, SafeFileHandle file, string from, FileName to, Func<FileStat, bool> isUntouched,
        Func<string, bool> tryRemove, RequestMark? mark = null)
    {
        if (tryRemove(from))
        {
            return NamingOutcome.Published;
        }

        // Another daemon that has answered the same request has committed, and has said so. An fsync brings the number of names from the
        // bricks, but many in a row hold up the node that is about to remove one.
        var (stat, isCommitted) = (default(FileStat), false);
        var isDecided = TransientRetry.UntilForgotten(() =>
            (isCommitted = RequestMarks.IsCommitted(file, to.Text, mark))
            || (DirectoryHandle.StatNow(file, to.Text).Links <= 1 && (stat = DirectoryHandle.StatSynced(file, to.Text)).Links <= 1));
        if (isCommitted)
        {
            return NamingOutcome.Published;
        }

        // Whoever has it open may be a guest, or be deleting it: then its name is not for us to take.
        var isFree = isDecided || mount.Locks.TryKeepQemuOut(file, to.Text);
        stat = isDecided ? stat : DirectoryHandle.StatSynced(file, to.Text);
        switch (stat.Links)
        {
            // It was published, and deleted by somebody who saw it.
            case 0: return NamingOutcome.Published;
            case 1 when !mount.LeadsTo(to.Text, stat): return NamingOutcome.Gone;
            case 1 when isUntouched(stat) && !RecoveredMark.IsOn(file, to.Text): return NamingOutcome.Published;

            // A guest may run on it already. Or another daemon has it from its pool, and has given it this name, or one that is deleted by
            // now. Nobody knows, so the disk stays.
            case 1: throw new StorageException("unlink", from, Errno.NoEntry);
        }

        if (!isFree)
        {
            throw new StorageException("unlink", from, Errno.NoEntry);
        }

        mount.TryUnlink(to.Text, ofInode: stat.Inode);
        return NamingOutcome.Gone;
    }
}
