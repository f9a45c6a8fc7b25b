using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StorageHost.Files.Posix;

/// <summary>
/// Open-file-description locks: Gluster shows them on every node, and the kernel drops them with the process. They are no fences
/// (a node that was cut off still believes in its locks), so nothing here relies on a lock alone.
/// </summary>
/// <remarks>
/// One mount's locks are set one after the other. A client of Gluster (10.3, its issue 4371) hangs for good when as many processes are
/// killed while they wait for a lock and the bricks are away as it has threads for events: two. A daemon that is killed must not be two of
/// them.
/// </remarks>
/// <param name="turnTimeout">How long one waits for its turn; 10 s when null.</param>
internal sealed class OfdLocks(TimeSpan? turnTimeout = null)
{
    /// <summary>
    /// The bytes with which QEMU says "nobody else may read" and "nobody else may write" (block/file-posix.c, RAW_LOCK_SHARED_BASE);
    /// a running QEMU also holds some of 100-103 for what it does itself.
    /// </summary>
    private const long QemuUnsharedStart = 200;
    private const long QemuUnsharedLength = 2;

    private readonly TimeSpan turnTimeout = turnTimeout ?? TimeSpan.FromSeconds(10);

    /// <summary>Who has it may set a lock.</summary>
    internal Lock Turn { get; } = new();

    /// <summary>Locks the whole file for writing; false when somebody else holds a lock on it.</summary>
    /// <exception cref="StorageException">What the storage says; ETIMEDOUT when the turn did not come.</exception>
    public bool TryLock(SafeFileHandle file, string name) => Set(file, name, Syscalls.WriteLock, 0, 0);

    /// <summary>Locks some bytes for writing; false when somebody else holds a lock on one of them.</summary>
    public bool TryLock(SafeFileHandle file, string name, long start, long length) => Set(file, name, Syscalls.WriteLock, start, length);

    /// <summary>Unlocks some bytes. It waits for its turn as long as it takes: given up, the bytes would stay locked.</summary>
    public void Unlock(SafeFileHandle file, string name, long start, long length)
    {
        lock (Turn)
        {
            SetNow(file, name, Syscalls.Unlocked, start, length);
        }
    }

    /// <summary>Whether anybody but this open file holds a lock on any byte of the file.</summary>
    public static bool IsLockedByOthers(SafeFileHandle file, string name) => IsLockedByOthers(file, name, 0, 0);

    /// <summary>
    /// Keeps QEMU from opening the image until the file is closed; false when a QEMU, here or on another node, has it open. Two that
    /// want to keep QEMU out do not take each other for one.
    /// </summary>
    public bool TryKeepQemuOut(SafeFileHandle file, string name) =>
        Set(file, name, Syscalls.ReadLock, QemuUnsharedStart, QemuUnsharedLength)
        && !IsLockedByOthers(file, name, 0, QemuUnsharedStart)
        && !IsLockedByOthers(file, name, QemuUnsharedStart + QemuUnsharedLength, 0);

    /// <summary>
    /// Keeps out QEMU and whoever else has any lock, or wants one; false also when there is one. The file must be open for writing. Every
    /// brick is asked to set it, while one alone says who has a lock (Gluster 10.3).
    /// </summary>
    public bool TryKeepAllOut(SafeFileHandle file, string name) => TryLock(file, name);

    /// <summary>Whether somebody else has the file by <see cref="TryKeepAllOut"/>; QEMU's own locks are shared ones.</summary>
    public static bool IsBeingDeleted(SafeFileHandle file, string name) =>
        IsLockedByOthers(file, name, QemuUnsharedStart, QemuUnsharedLength, Syscalls.ReadLock);

    private static bool IsLockedByOthers(
        SafeFileHandle file, string name, long start, long length, short wanted = Syscalls.WriteLock)
    {
        var probe = new FileLock { Type = wanted, Start = start, Length = length };
        return Syscalls.Lock(file, Syscalls.OfdGetLock, ref probe) == 0
            ? probe.Type != Syscalls.Unlocked
            : throw DirectoryHandle.Failed("lock", name);
    }

    private bool Set(SafeFileHandle file, string name, short type, long start, long length)
    {
        if (!Turn.TryEnter(turnTimeout))
        {
            throw new StorageException("lock", name, Errno.TimedOut);
        }

        try
        {
            return SetNow(file, name, type, start, length);
        }
        finally
        {
            Turn.Exit();
        }
    }

    private static bool SetNow(SafeFileHandle file, string name, short type, long start, long length)
    {
        var wanted = new FileLock { Type = type, Start = start, Length = length };
        return Syscalls.Lock(file, Syscalls.OfdSetLock, ref wanted) == 0
            || (Marshal.GetLastPInvokeError() is Errno.Again or Errno.Access ? false : throw DirectoryHandle.Failed("lock", name));
    }
}
