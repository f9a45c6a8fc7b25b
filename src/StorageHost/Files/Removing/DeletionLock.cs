using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Names;

namespace StorageHost.Files.Removing;

/// <summary>The lock by which a file has one deletion at a time, on all nodes, and none while QEMU or another program has it.</summary>
internal static class DeletionLock
{
    /// <summary>So often a name is looked at again whose file others have deleted meanwhile.</summary>
    private const int MostTries = 3;

    /// <summary>
    /// Opens the file of a name and becomes the only one, on any node, who may take the name away; null when there is no such file.
    /// </summary>
    /// <exception cref="RefusedException">DiskInUse; StorageUnavailable: this node does not see yet what has the name.</exception>
    public static SafeFileHandle? TryTake(DirectoryHandle mount, FileName file)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (mount.TryOpen(file.Text, Syscalls.ReadWrite) is not { } opened)
            {
                return null;
            }

            var right = Right.InUse;
            try
            {
                right = Take(mount, opened, file);
                switch (right)
                {
                    case Right.Taken:
                        return opened;
                    case Right.InUse:
                        throw new RefusedException(
                            Refusal.DiskInUse,
                            $"{file} is open in a virtual machine or another program, which has to be stopped first "
                                + "(or the daemon has no right to it)");
                    case Right.BeingDeleted:
                        throw new RefusedException(
                            Refusal.DiskInUse, $"another request is deleting {file} at this moment; send the same request again");
                }

                RefuseUnforgotten(mount, opened, file);
            }
            finally
            {
                if (right != Right.Taken)
                {
                    opened.Dispose();
                }
            }
        }

        throw new RefusedException(
            Refusal.StorageUnavailable, $"others delete {file} and make it anew all the time; send the same request again");
    }

    /// <summary>Waits until this node knows that a deleted file has lost its name: another one may have it by now.</summary>
    private static void RefuseUnforgotten(DirectoryHandle mount, SafeFileHandle opened, FileName file)
    {
        var before = DirectoryHandle.Stat(opened, file.Text);
        if (!TransientRetry.UntilForgotten(() => !mount.TryStat(file.Text, out var now) || now.Inode != before.Inode))
        {
            throw new RefusedException(
                Refusal.StorageUnavailable, $"{file} was deleted on another node a moment ago; send the same request again");
        }
    }

    /// <summary>Becomes the only one who may take this file's name away; waits for another who is at it.</summary>
    /// <remarks>
    /// Of two that delete a file, the later one would remove whatever has got the name by then: its node remembers for a second that it
    /// leads to the old file. While the lock is held on a file that has its name, nobody else can free the name.
    /// </remarks>
    private static Right Take(DirectoryHandle mount, SafeFileHandle opened, FileName file)
    {
        try
        {
            var right = Right.InUse;
            TransientRetry.UntilForgotten(() =>
            {
                right = mount.Locks.TryKeepAllOut(opened, file.Text) ? Right.Taken
                    : OfdLocks.IsBeingDeleted(opened, file.Text) ? Right.BeingDeleted

                    // Whoever was deleting it may have let go in between.
                    : mount.Locks.TryKeepAllOut(opened, file.Text) ? Right.Taken
                    : Right.InUse;
                return right != Right.BeingDeleted || DirectoryHandle.StatNow(opened, file.Text).Links == 0;
            });

            // The last word is the bricks'; asked while another deletes the file, it would hold that one up.
            return LinksNow(opened, file) == 0 ? Right.Gone : right;
        }
        catch (StorageException exception) when (exception.Errno == Errno.NoEntry)
        {
            // The bricks know an open file no longer that was deleted on another node.
            return Right.Gone;
        }
    }

    /// <summary>How many names a file has. One that cannot be fsynced, as in split-brain, can be deleted all the same.</summary>
    private static uint LinksNow(SafeFileHandle opened, FileName file)
    {
        try
        {
            return DirectoryHandle.StatSynced(opened, file.Text).Links;
        }
        catch (StorageException exception) when (exception.Errno is Errno.InputOutput or Errno.NoSpace or Errno.QuotaExceeded)
        {
            return DirectoryHandle.StatNow(opened, file.Text).Links;
        }
    }

    /// <summary>Whether a file's name may be taken away.</summary>
    private enum Right
    {
        /// <summary>QEMU or another program has the file.</summary>
        InUse,

        /// <summary>Another deletion has it, and does not end.</summary>
        BeingDeleted,

        /// <summary>By this one alone.</summary>
        Taken,

        /// <summary>The file has no name any more.</summary>
        Gone,
    }
}
