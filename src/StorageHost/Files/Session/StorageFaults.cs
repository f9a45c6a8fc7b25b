using System.Globalization;
using StorageHost.Files.Posix;
using StorageHost.Images;
using StorageHost.Images.Pools;

namespace StorageHost.Files.Session;

/// <summary>
/// What an errno means to a client: one table. Nothing here says "absent": only the call that was asked about a name can.
/// </summary>
internal static class StorageFaults
{
    private const string Unknown = "; whether the request took effect is unknown";

    public static RefusedException Refuse(StorageException exception) => exception.Errno switch
    {
        Errno.NoSpace => new RefusedException(Refusal.NoSpace, Lack(exception) + Outcome(exception), exception),
        Errno.QuotaExceeded => new RefusedException(Refusal.NoSpace, "the quota on the volume is used up" + Outcome(exception), exception),
        Errno.TimedOut => new RefusedException(Refusal.StorageTimeout, $"the storage timed out{Unknown}", exception),
        _ => new RefusedException(Refusal.StorageUnavailable, Describe(exception) + Outcome(exception), exception),
    };

    private static string Outcome(StorageException exception) => exception.LeavesOutcomeUnknown ? Unknown : "";

    private static string Lack(StorageException exception) => exception switch
    {
        { Inodes: { } shortage } => string.Create(
            CultureInfo.InvariantCulture,
            $"the volume has no inode for another file: {shortage.Left} of {shortage.Total} inodes are left, "
            + $"while {shortage.FreeBytes >> 20} MB are free"),
        { Space: { } space } => string.Create(
            CultureInfo.InvariantCulture,
            $"the volume is full: {space.FreeBytes >> 20} of {space.TotalBytes >> 20} MB are free")
            + Reserve(PoolPlan.Reserve(space, exception.ReservePercent)),
        _ => "the volume is full",
    };

    private static string Reserve(long bytes) =>
        bytes == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {bytes >> 20} MB are the reserve");

    private static string Describe(StorageException exception) => exception.Errno switch
    {
        Errno.NoEntry when exception.File == StorageException.WholeDirectory => "the directory does not exist",
        Errno.NotDirectory when exception.File == StorageException.WholeDirectory => "the directory is a file",
        Errno.Access when exception.File == StorageException.WholeDirectory =>
            $"permission denied on the directory for the user {Environment.UserName} (EACCES)",
        Errno.Access => $"permission denied on a file in the directory for the user {Environment.UserName} (EACCES); the log names it",
        Errno.ReadOnly => "the file system is read-only (EROFS)",
        Errno.NotPermitted => "the storage does not permit it (EPERM)",
        Errno.NotConnected => "the mount is dead, or has lost its servers (ENOTCONN)",
        Errno.Stale => "the mount is stale: what it showed is gone from its server (ESTALE)",
        Errno.NoFiles => "the daemon has as many files open as it may (EMFILE)",
        Errno.NoFilesOnMachine => "this machine has as many files open as it can (ENFILE)",
        Errno.NoMemory => "this machine has no memory left for the call (ENOMEM)",
        _ => $"the storage answered {Errno.Name(exception.Errno)}",
    };
}
 