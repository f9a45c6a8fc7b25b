using Microsoft.Win32.SafeHandles;
using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>
/// The one way a name comes to be (evidence: docs/decisions/0002-claim-protocol.md): the file is whole and fsynced under a private
/// name; <c>link</c> gives it the final name, or says that it is taken; a second fsync makes the name durable; the private name goes.
/// </summary>
internal static class Publishing
{
    /// <summary>What became of an attempt.</summary>
    public enum Outcome
    {
        /// <summary>The name is the file's, durably, and the caller knows. The private name is still there, and to be unlinked.</summary>
        Published,

        /// <summary>Another file has the name, or is just being given it. The private name is still there.</summary>
        Taken,

        /// <summary>The caller left before it was answered, so the name was withdrawn. The private name is still there.</summary>
        Withdrawn,
    }

    /// <summary>Publishes a private file under a name that publishers on other nodes may want at the same moment.</summary>
    public static Outcome Publish(VolumeSession session, PrivateFile file, FileName to, Func<bool> tryAnswer)
    {
        using var right = session.Names.TryTake(to);
        return right is null ? Outcome.Taken : Publish(session.Mount, session.Mount.Opened(file), file.Name, to, tryAnswer);
    }

    /// <summary>The protocol itself.</summary>
    /// <param name="mount">The storage directory.</param>
    /// <param name="file">The file, open.</param>
    /// <param name="from">Its private name.</param>
    /// <param name="to">The final name.</param>
    /// <param name="tryAnswer">Tells the caller; false when it has left and the name is not to stay without it.</param>
    /// <exception cref="StorageException">It was not published; after a failed fsync the file is discarded.</exception>
    internal static Outcome Publish(Mount mount, SafeFileHandle file, string from, FileName to, Func<bool> tryAnswer)
    {
        try
        {
            if (!mount.TryLink(from, to.Text))
            {
                return Outcome.Taken;
            }

            Mount.Sync(file, to.Text);
        }
        catch (StorageException failed)
        {
            // The link may have happened all the same, and after a failed fsync nobody knows what the file holds.
            TryEach(() => Withdraw(mount, file, to), () => _ = failed.Call == "fsync" && mount.TryUnlink(from));
            throw;
        }

        if (!tryAnswer())
        {
            Withdraw(mount, file, to);
            return Outcome.Withdrawn;
        }

        return Outcome.Published;
    }

    private static void TryEach(params ReadOnlySpan<Action> steps)
    {
        foreach (var step in steps)
        {
            try
            {
                step();
            }
            catch (StorageException)
            {
                // The failure that led here says more; recovery looks at what is left.
            }
        }
    }

    // Only what is ours: another node may have deleted the name and published again in the meantime.
    private static void Withdraw(Mount mount, SafeFileHandle file, FileName name) =>
        mount.TryUnlink(name.Text, ofInode: Mount.Stat(file, name.Text).Inode);
}
