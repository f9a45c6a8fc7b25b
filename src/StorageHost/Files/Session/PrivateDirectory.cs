using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Session;

/// <summary>
/// This daemon's own directory, <c>.storagehost/&lt;id&gt;/</c>: what is in the making or claimed lies here under names that nobody else
/// uses. A lock on the file <c>lock</c> in it says, on every node, that its daemon lives; without it, others recover what is left.
/// </summary>
internal sealed class PrivateDirectory : IDisposable
{
    public const string Root = ".storagehost";
    public const string LockName = "lock";

    private readonly ConcurrentDictionary<string, PrivateFile> inUse = new(StringComparer.Ordinal);
    private readonly Action<IDisposable> close;
    private readonly SafeFileHandle lockFile;
    private long lastNumber;

    private PrivateDirectory(string name, SafeFileHandle lockFile, Action<IDisposable> close)
    {
        this.close = close;
        Name = name;
        this.lockFile = lockFile;
    }

    /// <summary>The directory's name, relative to the storage directory.</summary>
    public string Name { get; }

    /// <summary>Makes a new private directory and locks it.</summary>
    /// <param name="mount">The storage directory.</param>
    /// <param name="close">Closes a file without waiting for it.</param>
    public static PrivateDirectory Create(DirectoryHandle mount, Action<IDisposable> close)
    {
        mount.MakeDirectory(Root);
        mount.MakeDirectory(LockFile.PoolFolder);
        for (var tries = 0; tries < 10; tries++)
        {
            // Another daemon's recovery may take a directory that is not locked yet for a dead one's: then begin again.
            if (TryCreate(mount, $"{Root}/{Guid.NewGuid():N}", close) is { } created)
            {
                return created;
            }
        }

        throw new StorageException("lock", Root, Errno.Again);
    }

    /// <summary>Whether a path is one that a private directory could have. What is read may say anything.</summary>
    public static bool IsOne(string path) =>
        path.StartsWith($"{Root}/", StringComparison.Ordinal) && Guid.TryParseExact(path[(Root.Length + 1)..], "N", out _);

    /// <summary>The names of all other private directories on the volume, whether their daemons live or not.</summary>
    public static IEnumerable<string> Others(VolumeSession session) =>
        session.Mount.List(Root).Where(name => Guid.TryParseExact(name, "N", out _)).Select(name => $"{Root}/{name}")
            .Where(name => name != session.Private.Name);

    /// <summary>
    /// Whether the lock is still ours; when it was lost and nobody has taken it, it is ours again. False once this node was cut off and
    /// others recovered its files.
    /// </summary>
    /// <remarks>Gluster 10.3 was seen to lose a lock when bricks were started again one after the other.</remarks>
    public bool IsAlive(DirectoryHandle mount)
    {
        try
        {
            return !lockFile.IsClosed && LockFile.TryHold(mount, lockFile, $"{Name}/{LockName}");
        }
        catch (StorageException exception) when (exception.Errno is Errno.NoEntry or Errno.Stale)
        {
            return false;
        }
        catch (StorageException exception) when (exception.Errno is Errno.TimedOut)
        {
            // Another call hangs in a lock, so this one was not asked: no reason to give up what is under way.
            return true;
        }
    }

    /// <summary>
    /// A private name that was never used. It stays this caller's until it is disposed of; then recovery sweeps what is left of it.
    /// </summary>
    public PrivateFile NewFile(PrivateKind kind, string detail = "")
    {
        var file = new PrivateFile($"{Name}/{PrivateNames.Of(kind, Interlocked.Increment(ref lastNumber), detail)}", Release);
        inUse[file.Name] = file;
        return file;
    }

    /// <summary>Moves a private file, which stays this caller's, into the storage directory itself, where the final names are.</summary>
    public void MoveBeside(DirectoryHandle mount, PrivateFile file)
    {
        if (!TryMove(mount, file, PrivateNames.Beside(Name, file.Name)))
        {
            throw new StorageException("rename", file.Name, Errno.NoEntry);
        }
    }

    /// <summary>Gives a private file, which stays this caller's, another private name; false when it is not there any more.</summary>
    public bool TryMove(DirectoryHandle mount, PrivateFile file, PrivateKind kind, string detail) =>
        TryMove(mount, file, $"{Name}/{PrivateNames.Of(kind, Interlocked.Increment(ref lastNumber), detail)}");

    public bool IsInUse(string name) => inUse.ContainsKey(name);

    /// <summary>The names of the files in a private directory, but for its lock.</summary>
    /// <remarks>
    /// Claims come first, and what is in the making is not listed before they have been used: it may be what the storage will not give.
    /// </remarks>
    public static IEnumerable<string> FilesIn(DirectoryHandle mount, string directory) =>
        mount.List(directory).Where(name => name is not (LockName or PrivateNames.Making)).Select(name => $"{directory}/{name}")
            .Concat(InTheMaking(mount, directory));

    /// <summary>Removes a private directory without files, whose lock is the caller's.</summary>
    public static void Remove(DirectoryHandle mount, string directory)
    {
        mount.TryUnlink($"{directory}/{PrivateNames.Making}", Syscalls.AtRemoveDir);
        mount.TryUnlink($"{directory}/{LockName}");
        mount.TryUnlink(directory, Syscalls.AtRemoveDir);
    }

    /// <summary>Removes the directory if nothing is left in it.</summary>
    public bool TryRemove(DirectoryHandle mount)
    {
        if (FilesIn(mount, Name).Any())
        {
            return false;
        }

        Remove(mount, Name);
        return true;
    }

    /// <summary>Removes the directory of a session that nobody took up, as far as the storage lets it; then gives the lock up.</summary>
    public void Discard(DirectoryHandle mount)
    {
        TryDiscard(mount, Name);
        Dispose();
    }

    /// <summary>Gives the lock up, and with it all files.</summary>
    public void Dispose()
    {
        foreach (var file in inUse.Values)
        {
            file.IsLost = true;
        }

        lockFile.Dispose();
    }

    private bool TryMove(DirectoryHandle mount, PrivateFile file, string to)
    {
        var (from, isMoved) = (file.Name, false);
        inUse[to] = file;
        try
        {
            isMoved = mount.TryRename(from, to);
        }
        finally
        {
            inUse.TryRemove(isMoved ? from : to, out _);
        }

        if (isMoved)
        {
            file.Name = to;
        }

        return isMoved;
    }

    private static IEnumerable<string> InTheMaking(DirectoryHandle mount, string directory)
    {
        foreach (var name in mount.TryList($"{directory}/{PrivateNames.Making}"))
        {
            yield return $"{directory}/{PrivateNames.Making}/{name}";
        }
    }

    /// <summary>
    /// Makes a private directory; null when its lock is another's. Failing, it leaves nothing, as far as the storage lets it.
    /// </summary>
    private static PrivateDirectory? TryCreate(DirectoryHandle mount, string name, Action<IDisposable> close)
    {
        mount.MakeDirectory(name);
        SafeFileHandle? held = null;
        try
        {
            held = FileSystemNeeds.TryLock(mount, $"{name}/{LockName}");
            if (held is null)
            {
                return null;
            }

            mount.MakeDirectory($"{name}/{PrivateNames.Making}");
            FileSystemNeeds.Require(mount, name, held);
            return new PrivateDirectory(name, held, close);
        }
        catch
        {
            TryDiscard(mount, name);
            held?.Dispose();
            throw;
        }
    }

    // On a volume without inodes the next try would find even fewer.
    private static void TryDiscard(DirectoryHandle mount, string name)
    {
        try
        {
            Remove(mount, name);
        }
        catch (StorageException)
        {
            // Then recovery does.
        }
    }

    private void Release(PrivateFile file)
    {
        if (inUse.TryRemove(file.Name, out _) && file.Handle is { } handle)
        {
            close(handle);
        }
    }
}
