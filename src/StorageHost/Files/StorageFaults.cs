using StorageHost.Images;

namespace StorageHost.Files;

/// <summary>What an errno means to a client: one table. Nothing here says "absent": only the call that was asked about a name can.</summary>
internal static class StorageFaults
{
    public static RefusedException Refuse(StorageException exception) => exception.Errno switch
    {
        Errno.NoSpace => new RefusedException(Refusal.NoSpace, "the volume is full", exception),
        Errno.QuotaExceeded => new RefusedException(Refusal.NoSpace, "the quota on the volume is used up", exception),
        Errno.TimedOut => new RefusedException(Refusal.StorageTimeout, "the storage timed out; whether the request took effect is unknown", exception),
        _ => new RefusedException(Refusal.StorageUnavailable, $"the storage answered {Errno.Name(exception.Errno)}", exception),
    };
}
