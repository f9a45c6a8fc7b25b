using System.Globalization;
using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// Knows whether the storage directory can be written to. At rest a look costs one call of the storage. Once that call, or an operation
/// that failed or was not answered in time, gives reason for doubt, each look writes a little, until that is done.
/// </summary>
/// <param name="reservePercent">How many percent of the volume are the reserve.</param>
internal sealed class WriteWatch(int reservePercent)
{
    private volatile RefusedException? fault;
    private int inDoubt;

    /// <summary>Why nothing can be written; null when something can.</summary>
    public string? Unwritable => fault is { Reason: not Refusal.NoSpace } refused ? refused.Message : null;

    /// <summary>The words for a volume that has no room even for a little; null when it has.</summary>
    public string? Full => fault is { Reason: Refusal.NoSpace } refused ? refused.Message : null;

    /// <summary>An operation has failed.</summary>
    public void Note(StorageException failure)
    {
        if (!IsOfWriting(failure.Errno))
        {
            return;
        }

        Volatile.Write(ref inDoubt, 1);

        // Rights may be missing on one file alone; these are said of the file system, or of what this user may take of it.
        if (failure.Errno is Errno.ReadOnly or Errno.NoSpace or Errno.QuotaExceeded)
        {
            fault = Refuse(failure);
        }
    }

    /// <summary>An operation was not answered in time: reading may go on where writing hangs, as with a brick that is frozen.</summary>
    public void NoteTimeout() => Volatile.Write(ref inDoubt, 1);

    /// <summary>A look itself was not answered in time; until one is done, each writes again.</summary>
    /// <returns>Why nothing can be written.</returns>
    public RefusedException NoteHungLook(TimeSpan limit) => fault = new RefusedException(Refusal.StorageTimeout, string.Create(
        CultureInfo.InvariantCulture, $"nothing can be written: the storage did not answer within {limit.TotalSeconds:0.#} s"));

    /// <summary>Looks whether something can be written.</summary>
    /// <returns>Why nothing can; null when something can.</returns>
    /// <exception cref="StorageException">It is not known.</exception>
    public RefusedException? Look(DirectoryHandle mount, PrivateDirectory own)
    {
        var tries = Interlocked.Exchange(ref inDoubt, 0) == 1 || fault is not null || !mount.SeemsWritable();
        try
        {
            if (tries)
            {
                Write(mount, own);
            }

            fault = null;
        }
        catch (StorageException exception)
        {
            Volatile.Write(ref inDoubt, 1);
            if (!IsOfWriting(exception.Errno))
            {
                throw;
            }

            mount.Explain(exception, reservePercent);
            fault = Refuse(exception);
        }

        return fault;
    }

    private static bool IsOfWriting(int errno) =>
        errno is Errno.ReadOnly or Errno.Access or Errno.NotPermitted or Errno.NoSpace or Errno.QuotaExceeded;

    private static RefusedException Refuse(StorageException failure)
    {
        var whole = new StorageException(failure.Call, StorageException.WholeDirectory, failure.Errno)
        {
            Inodes = failure.Inodes, Space = failure.Space, ReservePercent = failure.ReservePercent,
        };
        var refused = StorageFaults.Refuse(whole);
        return refused.Reason == Refusal.NoSpace
            ? refused
            : new RefusedException(refused.Reason, $"nothing can be written: {refused.Message}", failure);
    }

    /// <summary>Writes as a claim and a copy do: data, durably, and a name in the storage directory itself.</summary>
    private static void Write(DirectoryHandle mount, PrivateDirectory own)
    {
        using var probe = own.NewFile(PrivateKind.Making);
        try
        {
            var file = probe.Handle = mount.Open(probe.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x180 /* 0600 */);
            Blocks.Write(file, probe.Name, new byte[Blocks.PageSize], 0);
            DirectoryHandle.Sync(file, probe.Name);
            own.MoveBeside(mount, probe);
        }
        finally
        {
            Remove(mount, probe.Name);
        }
    }

    private static void Remove(DirectoryHandle mount, string name)
    {
        try
        {
            mount.TryUnlinkOwn(name);
        }
        catch (StorageException)
        {
            // Then recovery does.
        }
    }
}
