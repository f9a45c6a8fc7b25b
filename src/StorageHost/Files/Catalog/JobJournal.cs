using System.Text.RegularExpressions;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Ports;

namespace StorageHost.Files.Catalog;

/// <summary>
/// Jobs that the volume remembers: a file for each that runs, <c>.storagehost/jobs/&lt;id&gt;.begun</c>, and one for each that ended,
/// <c>&lt;id&gt;.ended</c>. An id is drawn by chance and no file is ever changed, so daemons do not come into each other's way.
/// </summary>
internal sealed partial class JobJournal(VolumeSessions volume, FileNames names, UnreadableFiles unreadable, TimeProvider time)
    : IJobJournal
{
    private const string Folder = $"{PrivateDirectory.Root}/jobs";
    private const string Begun = ".begun";
    private const string EndedSuffix = ".ended";
    private const string Interrupted = "interrupted: the daemon that ran it ended before it did";

    private const int IdLength = 16;

    /// <summary>What is longer is no job.</summary>
    private const int MaxLength = 16 * 1024;

    // Of files that do not change one look is enough.
    private Dictionary<string, JobStatus> known = new(StringComparer.Ordinal);

    public Task WriteAsync(JobStatus job, CancellationToken cancellationToken) => volume.RunAsync(
        "remember a job",
        (VolumeSession session, StorageCall<bool> _) =>
        {
            Write(session, job);
            return true;
        },
        cancellationToken);

    public Task<IReadOnlyList<JobStatus>> ReadAsync(Func<string, bool> isOurs, CancellationToken cancellationToken) => volume.TransferAsync(
        "read the jobs that are remembered",
        (VolumeSession session, StorageCall<IReadOnlyList<JobStatus>> _) => Read(session, isOurs),
        cancellationToken);

    private static void Write(VolumeSession session, JobStatus job)
    {
        var mount = session.Mount;
        mount.MakeDirectory(Folder);
        var name = $"{Folder}/{job.Id}";
        using var making = session.Private.NewFile(PrivateKind.Making);
        using var file = mount.Open(making.Name, Syscalls.ReadWrite | Syscalls.Create | Syscalls.Exclusive, 0x1a4 /* 0644 */);
        Blocks.Write(file, making.Name, StoredJob.Write(job, session.Private.Name), 0);
        DirectoryHandle.Sync(file, making.Name);
        if (!mount.TryRename(making.Name, $"{name}{(job.Ended is null ? Begun : EndedSuffix)}"))
        {
            throw new StorageException("rename", making.Name, Errno.NoEntry);
        }

        // On Gluster only an fsync of the file after the rename makes its new name durable.
        DirectoryHandle.Sync(file, making.Name);
        if (job.Ended is not null)
        {
            mount.TryUnlink(name + Begun);
        }
    }

    private JobStatus[] Read(VolumeSession session, Func<string, bool> isOurs)
    {
        var listed = session.Mount.TryList(Folder).Where(name => FileOfJob().IsMatch(name))
            .ToLookup(name => name[IdLength..], name => name[..IdLength], StringComparer.Ordinal);
        var ended = new Dictionary<string, JobStatus>(StringComparer.Ordinal);
        foreach (var id in listed[EndedSuffix])
        {
            if ((known.GetValueOrDefault(id) ?? TryRead(session.Mount, id + EndedSuffix)?.Of(id, names)) is { Ended: not null } job)
            {
                ended[id] = job;
            }
        }

        foreach (var id in listed[Begun].Where(id => !isOurs(id)))
        {
            unreadable.TryUse($"{Folder}/{id}{Begun}", () => Settle(session, id, ended));
        }

        foreach (var job in ended.Values.OrderByDescending(job => job.Ended).Skip(IJobJournal.Most).ToList())
        {
            unreadable.TryUse($"{Folder}/{job.Id}{EndedSuffix}", () => session.Mount.TryUnlink($"{Folder}/{job.Id}{EndedSuffix}"));
            ended.Remove(job.Id);
        }

        known = ended;
        return [.. ended.Values];
    }

    /// <summary>Ends a job whose daemon is dead: its private directory stays for as long as it lives.</summary>
    private void Settle(VolumeSession session, string id, Dictionary<string, JobStatus> ended)
    {
        var mount = session.Mount;
        if (ended.ContainsKey(id))
        {
            mount.TryUnlink($"{Folder}/{id}{Begun}");
        }
        else if (TryRead(mount, id + Begun) is { } begun && PrivateDirectory.IsOne(begun.Owner)
            && begun.Owner != session.Private.Name && !mount.TryStat(begun.Owner, out _) && begun.Of(id, names) is { } job)
        {
            var failed = job with { State = JobState.Failed, Error = Interrupted, Ended = time.GetUtcNow() };
            Write(session, failed);
            ended[id] = failed;
        }
    }

    private StoredJob? TryRead(DirectoryHandle mount, string file)
    {
        var name = $"{Folder}/{file}";
        return unreadable.TryUse(name, () => Read(mount, name), out var job) ? job : null;
    }

    private static StoredJob? Read(DirectoryHandle mount, string name)
    {
        using var file = mount.TryOpenRegular(name);
        if (file is null)
        {
            return null;
        }

        var content = new byte[MaxLength];
        return StoredJob.Read(content.AsSpan(0, Blocks.Read(file, name, content, 0)));
    }

    [GeneratedRegex(@"^[0-9a-f]{16}\.(begun|ended)\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex FileOfJob();
}
