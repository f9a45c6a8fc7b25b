using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// Begins sessions with the storage directory, and tells whether one still lives: what is mounted there must be what the daemon was told
/// to serve, or has served before. Runs on storage threads.
/// </summary>
internal sealed partial class SessionOpener(StorageOptions options, StorageThreads threads, ILogger log)
{
    // One for all sessions: what the last one waits for, on the same mount, counts too.
    private readonly OfdLocks locks = new(options.OperationTimeout);
    private bool isSuffixUnknown;
    private MountPoint? expected;

    /// <summary>Begins a session; failing, it leaves nothing on the volume, as far as the storage lets it.</summary>
    public VolumeSession Begin()
    {
        var mount = new DirectoryHandle(DirectoryHandle.OpenDirectory(options.Directory), locks);
        PrivateDirectory? own = null;
        try
        {
            var point = MountTable.Of(mount.Directory)
                ?? throw new RefusedException(Refusal.StorageUnavailable, "the storage directory is not in the mount table");
            if (MountFault(point) is { } fault)
            {
                throw new RefusedException(Refusal.StorageUnavailable, fault);
            }

            CompareSuffix(() => TemplateSuffix.Check(mount, options.TemplateSuffix));
            own = PrivateDirectory.Create(mount, threads.Release);
            CompareSuffix(() => TemplateSuffix.Settle(mount, own, options.TemplateSuffix));
            var created = new VolumeSession(mount, own, new NameLock(mount, point), point);
            expected = point;
            return created;
        }
        catch (Exception exception)
        {
            if (exception is StorageException failure)
            {
                mount.Explain(failure, options.ReservePercent);
            }

            own?.Discard(mount);
            mount.Dispose();
            throw;
        }
    }

    /// <summary>Why a session is dead, in words; null when it lives.</summary>
    public string? FindFault(VolumeSession current)
    {
        try
        {
            return FindFaultIn(current);
        }
        catch (StorageException exception) when (!Errno.IsOwn(exception.Errno))
        {
            return StorageFaults.Refuse(exception).Message;
        }
        catch (RefusedException exception)
        {
            return exception.Message;
        }
    }

    private string? FindFaultIn(VolumeSession current)
    {
        using var reopened = DirectoryHandle.OpenDirectory(options.Directory);
        var (now, then) = (DirectoryHandle.Stat(reopened, "."), DirectoryHandle.Stat(current.Mount.Directory, "."));
        if ((now.Inode, now.Device) != (then.Inode, then.Device))
        {
            return MountTable.Of(reopened) is { } point && MountFault(point) is { } fault
                ? fault
                : "another file system was mounted on the storage directory";
        }

        current.Names.Refresh();
        CompareSuffix(() => TemplateSuffix.Settle(current.Mount, current.Private, options.TemplateSuffix));
        return current.Private.IsAlive(current.Mount)
            ? null
            : "this node was cut off from the volume, and its private directory was recovered";
    }

    // One small file that the storage will not give must not end a session, or keep one from beginning.
    private void CompareSuffix(Action compare)
    {
        try
        {
            compare();
            isSuffixUnknown = false;
        }
        catch (StorageException exception)
        {
            if (!isSuffixUnknown)
            {
                LogSuffixUnknown(exception.Call, Errno.Name(exception.Errno));
            }

            isSuffixUnknown = true;
        }
    }

    private string? MountFault(MountPoint point)
    {
        var required = options.RequireMount.Length > 0 ? options.RequireMount : expected?.FileSystemType;
        return required is not null && required != point.FileSystemType
                ? $"the storage directory must lie on {required}, but lies on {point.FileSystemType}: the volume is not mounted"
            : expected is not null && point.Path.Length < expected.Path.Length
                ? "what was mounted on the storage directory is not mounted any more"
            : null;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The volume's template suffix cannot be compared with Storage:TemplateSuffix: {Call}: {Errno}")]
    private partial void LogSuffixUnknown(string call, string errno);
}
