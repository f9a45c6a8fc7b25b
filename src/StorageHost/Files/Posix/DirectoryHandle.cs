using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;

namespace StorageHost.Files.Posix;

/// <summary>
/// The storage directory, held open: file operations on names in it, with errno kept and the moments of a racing replica volume
/// retried. Where a retry cannot know whether the first try took effect, it looks. Runs on storage threads only.
/// </summary>
/// <param name="directory">The directory, open.</param>
/// <param name="locks">What sets locks on the file system that it lies on; null when nobody else does.</param>
internal sealed unsafe class DirectoryHandle(SafeFileHandle directory, OfdLocks? locks = null) : IDisposable
{
    public SafeFileHandle Directory { get; } = directory;

    /// <summary>What sets locks on its files.</summary>
    public OfdLocks Locks { get; } = locks ?? new();

    /// <summary>Opens a directory by its full path.</summary>
    public static SafeFileHandle OpenDirectory(string path) => TransientRetry.Execute(
        static path => Handle(
            Syscalls.OpenAt(Syscalls.AtFdCwd, path, Syscalls.ReadOnly | Syscalls.Directory | Syscalls.CloseOnExec, 0), "open",
            StorageException.WholeDirectory),
        path);

    public static FileStat Stat(SafeFileHandle file, string name) => TransientRetry.Execute(
        static state => TryStat(state.file, "", Syscalls.AtEmptyPath, state.name, out var stat) ? stat : throw Failed("stat", state.name),
        (file, name));

    /// <summary>
    /// The same, past what the kernel remembers. Gluster's own client remembers for a second as well, but not what it has just renamed,
    /// fsynced, linked, or failed to remove: after those calls the answer comes from the bricks (10.3, md-cache).
    /// </summary>
    public static FileStat StatNow(SafeFileHandle file, string name) => TransientRetry.Execute(
        static state =>
            TryStat(state.file, "", Syscalls.AtEmptyPath | Syscalls.AtForceSync, state.name, out var stat)
                ? stat
                : throw Failed("stat", state.name),
        (file, name));

    /// <summary>
    /// The same, whatever the client remembers: an fsync brings the state from the bricks. Not for a loop: while one node fsyncs a file
    /// again and again, the removal of its name on another node waits (10.3, replica 3: 4 s, as long as the fsyncs went on).
    /// </summary>
    public static FileStat StatSynced(SafeFileHandle file, string name)
    {
        Sync(file, name);
        return StatNow(file, name);
    }

    /// <summary>Looks at a name without following a link; false only when it does not exist.</summary>
    public bool TryStat(string name, out FileStat stat)
    {
        var (found, result) = TransientRetry.Execute(
            static state => (TryStat(state.Directory, state.name, Syscalls.AtSymlinkNoFollow, state.name, out var stat), stat),
            (Directory, name));
        stat = result;
        return found;
    }

    /// <summary>Opens a file without following a link or waiting for a pipe; null only when it does not exist.</summary>
    public SafeFileHandle? TryOpen(string name, int flags = Syscalls.ReadOnly, uint mode = 0) => TransientRetry.Execute(
        static state =>
        {
            var file = Syscalls.OpenAt(
                state.Directory, state.name, state.flags | Syscalls.NoFollow | Syscalls.NonBlocking | Syscalls.CloseOnExec, state.mode);
            return file < 0 && Marshal.GetLastPInvokeError() == Errno.NoEntry ? null : Handle(file, "open", state.name);
        },
        (Directory, name, flags, mode));

    /// <summary>Opens a regular file for reading; null when it does not exist or is something else, which is left alone.</summary>
    public SafeFileHandle? TryOpenRegular(string name) => TryStat(name, out var stat) && stat.IsRegular ? TryOpen(name) : null;

    public SafeFileHandle Open(string name, int flags = Syscalls.ReadOnly, uint mode = 0) =>
        TryOpen(name, flags, mode) ?? throw Failed("open", name);

    /// <summary>A private file's handle; the file is opened when it is not.</summary>
    public SafeFileHandle Opened(PrivateFile file) => file.Handle ??= Open(file.Name);

    /// <summary>Makes a directory unless it is there.</summary>
    public void MakeDirectory(string name)
    {
        if (Syscalls.MakeDirectoryAt(Directory, name, 0x1c0 /* 0700 */) < 0 && Marshal.GetLastPInvokeError() != Errno.Exists)
        {
            throw Failed("mkdir", name);
        }
    }

    /// <summary>Renames; false when there is nothing of the old name (somebody else won it). Replaces what has the new name.</summary>
    public bool TryRename(string from, string to)
    {
        var tries = 0;
        return TransientRetry.Execute(() =>
        {
            tries++;
            if (Syscalls.RenameAt(Directory, from, Directory, to) == 0)
            {
                return true;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno != Errno.NoEntry)
            {
                throw new StorageException("rename", from, errno);
            }

            return tries > 1 && TryStat(Directory, to, Syscalls.AtSymlinkNoFollow, to, out _);
        });
    }

    /// <summary>Gives an open file a second name.</summary>
    /// <remarks>
    /// EEXIST can be the answer to our own link: a request that was sent twice, or a try that failed although it was done. So the name is
    /// looked at. Either this client knew the name and sent nothing, and then it is another file's; or it did not, and then it has to ask
    /// the server.
    /// </remarks>
    /// <exception cref="StorageException">It is unknown whether it was linked.</exception>
    public LinkOutcome Link(string from, SafeFileHandle file, string to)
    {
        var tries = 0;
        return TransientRetry.Execute(() =>
        {
            tries++;
            if (Syscalls.LinkAt(Directory, from, Directory, to, 0) == 0)
            {
                return LinkOutcome.Linked;
            }

            var errno = Marshal.GetLastPInvokeError();
            return errno switch
            {
                Errno.Exists => LeadsTo(to, Stat(file, from)) ? LinkOutcome.Found : LinkOutcome.Taken,
                Errno.NoEntry when tries == 1 => LinkOutcome.Gone,
                _ => throw new StorageException("link", to, errno),
            };
        });
    }

    /// <summary>
    /// Whether a name leads to the file of that state, as the server knows it unless this client has looked at the name in the last second.
    /// </summary>
    public bool LeadsTo(string name, FileStat file) => TransientRetry.Execute(
        static state => TryStat(state.Directory, state.name, Syscalls.AtSymlinkNoFollow | Syscalls.AtForceSync, state.name, out var stat)
            && (stat.Inode, stat.Device) == (state.file.Inode, state.file.Device),
        (Directory, name, file));

    /// <summary>
    /// Removes a private name; false when it is not there: another daemon has recovered it, or an earlier try of this call was done.
    /// </summary>
    public bool TryUnlinkOwn(string name) => TransientRetry.Execute(
        static state => Syscalls.UnlinkAt(state.Directory, state.name, 0) == 0
            || (Marshal.GetLastPInvokeError() is var errno && errno == Errno.NoEntry
                ? false
                : throw new StorageException("unlink", state.name, errno)),
        (Directory, name));

    /// <summary>Removes a name; false when it did not exist.</summary>
    /// <param name="name">The name.</param>
    /// <param name="flags">Those of unlinkat(2).</param>
    /// <param name="ofInode">
    /// Only while it is the name of this file: a try that failed may have taken effect, and the name be another's by the next one.
    /// </param>
    public bool TryUnlink(string name, int flags = 0, ulong? ofInode = null)
    {
        var tries = 0;
        return TransientRetry.Execute(() =>
        {
            tries++;
            if (ofInode is { } inode && !(TryStat(Directory, name, Syscalls.AtSymlinkNoFollow, name, out var stat) && stat.Inode == inode))
            {
                return tries > 1;
            }

            if (Syscalls.UnlinkAt(Directory, name, flags) == 0)
            {
                return true;
            }

            var errno = Marshal.GetLastPInvokeError();
            return errno == Errno.NoEntry ? tries > 1 : throw new StorageException("unlink", name, errno);
        });
    }

    /// <summary>Makes content, attributes and names of a file durable. Never retried: a failed fsync may have dropped the data.</summary>
    /// <remarks>
    /// XFS (Linux 6.18) says yes to the fsync of a directory when it has shut down and lost the change, and to that of a file when it shuts
    /// down meanwhile. To a look it does not; and of a FUSE mount's client such a look, which is content with what is known, asks nothing.
    /// </remarks>
    public static void Sync(SafeFileHandle file, string name)
    {
        if (Syscalls.Sync(file) < 0)
        {
            throw Failed("fsync", name);
        }

        TransientRetry.Execute(
            static state =>
                Syscalls.StatAt(state.file, "", Syscalls.AtEmptyPath | Syscalls.AtNoSync, Syscalls.BasicStats, out _) == 0
                    ? true
                    : throw Failed("fsync", state.name),
            (file, name));
    }

    /// <summary>Makes the removal of names from the storage directory durable; not on Gluster.</summary>
    public void SyncNames() => Sync(Directory, ".");

    /// <summary>Whether names can be given in the directory, as far as can be told without giving one.</summary>
    public bool SeemsWritable() =>
        Syscalls.AccessAt(Directory, ".", Syscalls.MayWrite, Syscalls.AtEffective) == 0 && !MountTable.IsReadOnly(Directory);

    /// <summary>Size of the volume and what is free for this daemon, in bytes.</summary>
    public VolumeSpace Space() => Syscalls.StatVolume(Directory, out var stat) == 0 ? stat.Space : throw Failed("statvfs", ".");

    /// <summary>Adds to ENOSPC what the file system lacks, and its numbers: errno is the same for room and for inodes.</summary>
    public void Explain(StorageException failure, int reservePercent)
    {
        if (failure.Errno == Errno.NoSpace && Syscalls.StatVolume(Directory, out var stat) == 0)
        {
            failure.Inodes = InodeShortage.Of(stat);
            (failure.Space, failure.ReservePercent) = (stat.Space, reservePercent);
        }
    }

    /// <summary>The same directory, opened for somebody who lists it or keeps it for a while.</summary>
    public DirectoryHandle Reopen() => new(Open(".", Syscalls.ReadOnly | Syscalls.Directory), Locks);

    /// <summary>How the directory itself is on the server now: its modification time says whether a name came or went.</summary>
    public FileStat StatSelf() => TransientRetry.Execute(
        static directory =>
            TryStat(directory, "", Syscalls.AtEmptyPath | Syscalls.AtForceSync, ".", out var stat) ? stat : throw Failed("stat", "."),
        Directory);

    /// <summary>
    /// The names in a directory, without <c>.</c> and <c>..</c>, in no order; or only those of what may be a regular file.
    /// </summary>
    public List<string> List(string name, bool regularOnly = false)
    {
        using var cursor = new DirectoryCursor(Open(name, Syscalls.ReadOnly | Syscalls.Directory), name);

        // A volume that distributes may list a name twice while it comes and goes.
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (cursor.MoveNext())
        {
            if (!regularOnly || cursor.MayBeRegular)
            {
                names.Add(Encoding.UTF8.GetString(cursor.Name));
            }
        }

        return [.. names];
    }

    /// <summary>The names in a directory that may be gone by now; then none.</summary>
    public List<string> TryList(string name)
    {
        try
        {
            return List(name);
        }
        catch (StorageException exception) when (exception.Errno == Errno.NoEntry)
        {
            return [];
        }
    }

    public void Dispose() => Directory.Dispose();

    /// <summary>The failure that errno tells of.</summary>
    internal static StorageException Failed(string call, string file) => new(call, file, Marshal.GetLastPInvokeError());

    private static SafeFileHandle Handle(int file, string call, string name) =>
        file >= 0 ? new SafeFileHandle(file, ownsHandle: true) : throw Failed(call, name);

    private static bool TryStat(SafeFileHandle directory, string path, int flags, string name, out FileStat stat)
    {
        if (Syscalls.StatAt(directory, path, flags, Syscalls.BasicStats, out var result) == 0)
        {
            stat = FileStat.From(result);
            return true;
        }

        stat = default;
        return Marshal.GetLastPInvokeError() == Errno.NoEntry ? false : throw Failed("stat", name);
    }
}
