using StorageHost.Files.Catalog;
using StorageHost.Files.Growing;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Names;
using StorageHost.Images.Templates;

namespace StorageHost.Files.Publishing;

/// <summary>
/// Tidies up after what was cut short: private directories of daemons that no longer live, files of our own that nobody works on any
/// more, and what govirt's own daemon left. A leftover is first taken by renaming it, so that only one daemon ever decides about it;
/// interrupted anywhere, the next run goes on.
/// </summary>
internal sealed partial class Recovery(
    VolumeSessions volume, StorageThreads threads, FileNames names, ReadyCopies ready, UnfinishedGrowth unfinished,
    UnreadableFiles unreadable, TimeProvider time, ILogger<Recovery> log) : IAsyncDisposable
{
    /// <summary>A copy of govirt's own daemon that was not written to for this long is not being made any more.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);

    // None begins while one that was given up is still at it. The scan, which comes next, does not wait for it for long.
    private readonly StorageShare recovering = threads.NewShare(1, waitLimit: TimeSpan.FromSeconds(5));

    // Since when each is as it was at the last look. Not by its modification time: clocks jump, and other nodes have others.
    private Dictionary<(string Name, Fingerprint State), long> unchanged = [];

    public Task RunAsync(CancellationToken cancellationToken) => volume.TransferAsync(
        "recover",
        (VolumeSession session, StorageCall<bool> call) =>
        {
            unreadable.TryUse(session.Private.Name, () => RecoverOwn(session, call));
            foreach (var directory in PrivateDirectory.Others(session))
            {
                if (!call.IsAbandoned)
                {
                    unreadable.TryUse(directory, () => RecoverDead(session, directory));
                }
            }

            return true;
        },
        recovering,
        cancellationToken);

    /// <summary>
    /// Settles what stopped requests and passes have left in the own directory: a directory with files in it could not be removed, and
    /// would be left to the next daemon.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        // Whoever was given up may still have files in use.
        await threads.DrainAsync(LeaveTimeout);
        try
        {
            await volume.RunAsync(
                "leave nothing",
                (VolumeSession session, StorageCall<bool> call) =>
                {
                    RecoverOwn(session, call);
                    return true;
                },
                LeaveTimeout,
                CancellationToken.None);
        }
        catch (RefusedException)
        {
            // Then the next daemon does.
        }
    }

    /// <summary>Deletes copies that govirt's own daemon was making when it died.</summary>
    public void Sweep(DirectoryHandle mount, IEnumerable<LeftoverEntry> leftovers)
    {
        var now = new Dictionary<(string, Fingerprint), long>();
        foreach (var leftover in leftovers)
        {
            unreadable.TryUse(leftover.File.Text, () => Sweep(mount, leftover.File.Text, now));
        }

        unchanged = now;
    }

    /// <summary>Settles private files that lie beside the final names, but for those that somebody works on.</summary>
    public void SettleBeside(VolumeSession session, IEnumerable<PrivateEntry> entries)
    {
        foreach (var entry in entries)
        {
            var (name, owner) = (entry.File.Text, $"{PrivateDirectory.Root}/{entry.Owner}");
            if (owner == session.Private.Name ? !session.Private.IsInUse(name) : IsDead(session, owner))
            {
                TrySettle(session, name);
            }
        }
    }

    // The directory stays while a daemon lives, and longer than anything in it.
    private bool IsDead(VolumeSession session, string directory) =>
        unreadable.TryUse(directory, () => !session.Mount.TryStat(directory, out _), out var isGone) && isGone;

    private void Sweep(DirectoryHandle mount, string name, Dictionary<(string, Fingerprint), long> now)
    {
        using var file = mount.TryOpenRegular(name);
        if (file is null)
        {
            return;
        }

        var stat = DirectoryHandle.Stat(file, name);
        var since = unchanged.TryGetValue((name, stat.Fingerprint), out var first) ? first : time.GetTimestamp();
        now[(name, stat.Fingerprint)] = since;
        if (time.GetElapsedTime(since) > Quiet && !OfdLocks.IsLockedByOthers(file, name))
        {
            mount.TryUnlink(name);
            LogSwept(name, stat.Links);
        }
    }

    private void RecoverOwn(VolumeSession session, StorageCall<bool> call)
    {
        foreach (var name in PrivateDirectory.FilesIn(session.Mount, session.Private.Name))
        {
            // Asked after the listing: a name in use now cannot have been left over then.
            if (!call.IsAbandoned && !session.Private.IsInUse(name))
            {
                TrySettle(session, name);
            }
        }
    }

    private void RecoverDead(VolumeSession session, string directory)
    {
        if (!session.Mount.TryStat(directory, out _)
            || LockFile.TryAcquire(session.Mount, $"{directory}/{PrivateDirectory.LockName}") is not { } lockFile)
        {
            return;
        }

        using (lockFile)
        {
            string[] left = [.. PrivateDirectory.FilesIn(session.Mount, directory).Where(name => !TrySettle(session, name))];
            if (left.Length == 0)
            {
                PrivateDirectory.Remove(session.Mount, directory);
                LogRecovered(directory);
            }
        }
    }

    /// <summary>Settles a private name, which is another one each time it is tried; so the log calls it by what it is.</summary>
    private bool TrySettle(VolumeSession session, string name)
    {
        var image = PrivateNames.ClaimedImage(Path.GetFileName(name));
        return unreadable.TryUse(image is null ? "a private file" : $"a claimed copy of {image}", () => Settle(session, name, image));
    }

    /// <summary>A claim whose copy has no other name goes back to its pool; any other private name is unlinked.</summary>
    /// <remarks>
    /// How many names it has is asked after the rename: then the bricks answer, and whoever links it later finds its private name gone.
    /// </remarks>
    private void Settle(VolumeSession session, string name, string? text)
    {
        var sizeGb = PrivateNames.SizeOf(name);
        using var file = session.Private.NewFile(
            text is null ? PrivateKind.Making : PrivateKind.Claim, text ?? (sizeGb is { } size ? PrivateNames.DetailOfSize(size) : ""));
        if (!session.Mount.TryRename(name, file.Name) || !session.Mount.TryStat(file.Name, out var stat))
        {
            return;
        }

        if (stat.IsRegular && text is not null && names.ParseImage(text, out var image) is null)
        {
            var handle = session.Mount.Opened(file);
            stat = DirectoryHandle.StatNow(handle, file.Name);
            if (stat.Links == 1 && unfinished.HasSizeOfTemplate(handle, file.Name))
            {
                RequestMarks.Clear(handle, file.Name);
                RecoveredMark.Write(handle, file.Name);
                var copy = ready.Add(session, file, image);
                LogReturned(image, copy.Number);
                return;
            }
        }

        if (sizeGb is { } wanted && stat is { IsRegular: true, Links: > 1 })
        {
            unfinished.Finish(session.Mount, file, wanted);
        }

        session.Mount.TryUnlink(file.Name);
        LogSwept(name, stat.Links);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Recovered the private directory {Directory} of a daemon that no longer lives")]
    private partial void LogRecovered(string directory);

    [LoggerMessage(Level = LogLevel.Information, Message = "An interrupted claim of {Image} went back to the pool as copy {Number}")]
    private partial void LogReturned(ImageName image, int number);

    [LoggerMessage(Level = LogLevel.Information, Message = "Swept {Name}, which had {Links} names")]
    private partial void LogSwept(string name, uint links);
}
