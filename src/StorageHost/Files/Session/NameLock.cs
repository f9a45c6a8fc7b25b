using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Names;

namespace StorageHost.Files.Session;

/// <summary>
/// Lets one publisher at a time, of all on all nodes, give a name away. On a volume that distributes, <c>link</c> alone does not decide:
/// the name is looked up first and linked then, and two files on different bricks were both given it (seen once in some 700 raced names).
/// There a name is a byte of one lock file, from before the look-up until after the link. Elsewhere <c>link</c> decides, this costs
/// nothing, and the lock file, which is never removed, is not even opened.
/// </summary>
internal sealed unsafe class NameLock : IDisposable
{
    private const string FileName = $"{LockFile.PoolFolder}/.names";

    /// <summary>A virtual attribute that tells where Gluster keeps a file; it names the translators on the way.</summary>
    private const string PathInfo = "glusterfs.pathinfo";
    private const string DistributeTranslator = "<DISTRIBUTE:";
    private const int MaxPathInfo = 64 * 1024;

    private readonly ConcurrentDictionary<FileName, bool> takenHere = new();
    private readonly DirectoryHandle mount;
    private readonly MountPoint point;
    private SafeFileHandle? opened;
    private volatile bool distributes;
    private volatile bool isOver;

    public NameLock(DirectoryHandle mount, MountPoint point)
    {
        (this.mount, this.point) = (mount, point);
        Refresh();
    }

    /// <summary>
    /// Whether the files of the volume lie on several sets of bricks, as far as can be told. Only then a name has to be locked.
    /// </summary>
    public bool Distributes => distributes;

    /// <summary>Finds out whether the volume distributes: bricks may have been added to it.</summary>
    public void Refresh() => distributes = point.IsGluster && MayDistribute(mount);

    /// <summary>Takes the right to give a name, until it is disposed of; null when another publisher has it.</summary>
    public IDisposable? TryTake(FileName name)
    {
        if (!distributes)
        {
            return Right.NotNeeded;
        }

        // Locks of one open file do not keep its own threads apart.
        if (!takenHere.TryAdd(name, true))
        {
            return null;
        }

        var isTaken = false;
        try
        {
            var file = Opened();
            isTaken = mount.Locks.TryLock(file, FileName, Position(name), 1);
            return isTaken ? new Right(this, file, name) : null;
        }
        finally
        {
            _ = isTaken || takenHere.TryRemove(name, out _);
        }
    }

    /// <summary>Gives up all rights at once.</summary>
    public void Dispose()
    {
        isOver = true;
        opened?.Dispose();
    }

    /// <summary>The lock file, which is opened when a name is first locked.</summary>
    private SafeFileHandle Opened()
    {
        if (opened is not { } file)
        {
            file = mount.Open(FileName, Syscalls.ReadWrite | Syscalls.Create, 0x180 /* 0600 */);
            if (Interlocked.CompareExchange(ref opened, file, null) is { } first)
            {
                file.Dispose();
                file = first;
            }
        }

        if (isOver)
        {
            file.Dispose();
            throw new RefusedException(Refusal.StorageUnavailable, "the session with the volume has ended");
        }

        return file;
    }

    private static bool MayDistribute(DirectoryHandle mount)
    {
        var value = new byte[MaxPathInfo];
        fixed (byte* start = value)
        {
            var length = Syscalls.GetAttribute(mount.Directory, PathInfo, start, value.Length);

            // Where nobody can tell, names are locked.
            return length < 0 || Encoding.UTF8.GetString(value, 0, (int)length).Contains(DistributeTranslator, StringComparison.Ordinal);
        }
    }

    // Of 2^62 bytes: two names share one as good as never, and would then only wait for each other.
    private static long Position(FileName name) =>
        BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name.Text))) & (long.MaxValue >> 1);

    private sealed class Right(NameLock? owner, SafeFileHandle? file, FileName name) : IDisposable
    {
        public static readonly Right NotNeeded = new(null, null, default);

        public void Dispose()
        {
            if (owner is not null && file is not null)
            {
                try
                {
                    owner.mount.Locks.Unlock(file, FileName, Position(name), 1);
                }
                catch (StorageException)
                {
                    // The session ends with the mount, and the lock with the session.
                }

                owner.takenHere.TryRemove(name, out _);
            }
        }
    }
}
