using StorageHost.Files.Catalog;
using StorageHost.Files.Growing;
using StorageHost.Files.Posix;
using StorageHost.Files.Publishing;
using StorageHost.Files.Removing;
using StorageHost.Files.Session;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Files;

/// <summary>Answers what the core asks about the volume.</summary>
internal sealed class VolumeCatalog(
    VolumeSessions volume, FileNames names, Recovery recovery, TemplateFile templates, TemplateList list, UnreadableFiles unreadable,
    MultiLinkedCopies doubled, RememberedDeletions deletions, CheckedTemplates safe, ReplacedTemplates replaced,
    UnfinishedGrowth unfinished, StorageThreads threads)
    : IVolume
{
    // What the last scan read of copies that have not changed since: on Gluster, listing a directory brings what stat says of its files
    // with it.
    private Dictionary<FileName, (FileStat Stat, Copy Copy)> read = [];

    // The same of versions.
    private TemplateVersion[] versions = [];

    // One that was given up may still be at it. After a cancelled one the next waits for that moment.
    private readonly StorageShare scanning = threads.NewShare(1, waitLimit: TimeSpan.FromSeconds(5));

    public Task EnsureServedAsync(CancellationToken cancellationToken) => volume.EnsureSessionAsync(cancellationToken);

    public Task RecoverAsync(CancellationToken cancellationToken) => recovery.RunAsync(cancellationToken);

    public Task<IReadOnlyList<ImageName>> ListTemplatesAsync(CancellationToken cancellationToken) => volume.RunAsync(
        "list the templates",
        (VolumeSession session, StorageCall<IReadOnlyList<ImageName>> _) => list.Read(session.Mount),
        cancellationToken);

    public Task<Template> FindTemplateAsync(ImageName image, CancellationToken cancellationToken) =>
        volume.RunAsync(
            "look at a template", (VolumeSession session, StorageCall<Template> _) => templates.Find(session.Mount, image),
            cancellationToken);

    public Task<Template> InspectTemplateAsync(ImageName image, CancellationToken cancellationToken) =>
        safe.InspectAsync(image, cancellationToken);

    public Task<VolumeSpace> ReadSpaceAsync(CancellationToken cancellationToken) =>
        volume.RunAsync(
            "read the room on the volume", (VolumeSession session, StorageCall<VolumeSpace> _) => session.Mount.Space(), cancellationToken);

    public Task<VolumeScan> ScanAsync(CancellationToken cancellationToken) => volume.TransferAsync(
        "read the directory",
        (VolumeSession session, StorageCall<VolumeScan> _) =>
        {
            var mount = session.Mount;
            var entries = list.ReadAll(mount);
            recovery.Sweep(mount, entries.OfType<LeftoverEntry>());
            recovery.SettleBeside(session, entries.OfType<PrivateEntry>());
            var withTwoNames = new List<(FileName, FileStat)>();
            read = entries.OfType<CopyEntry>().Select(entry => (entry.File, Read: TryReadCopy(mount, entry, withTwoNames)))
                .Where(copy => copy.Read is not null).ToDictionary(copy => copy.File, copy => copy.Read!.Value);
            doubled.Look(mount, withTwoNames);

            // After the copies: one that has had a second name and was deleted under it has its record by then.
            foreach (var back in deletions.Look(
                session,
                entries.Select(entry => (entry.File, read.TryGetValue(entry.File, out var copy) ? copy.Stat.Inode : (ulong?)null))))
            {
                read.Remove(back);
            }

            var unknown = new HashSet<ImageName>();
            Template[] found = [.. entries.OfType<TemplateEntry>().Select(entry => TryFind(mount, entry, unknown)).OfType<Template>()];
            unknown.UnionWith(Replaced(mount, found));
            return new VolumeScan(
                found,
                [.. read.Values.Select(copy => copy.Copy)],
                HeldElsewhere(session),
                ReadLevels(mount, entries, unknown),
                unknown,
                mount.Space())
            {
                Protected = ReadProtected(mount, entries),
                Versions = ReadVersions(mount),
            };
        },
        scanning,
        cancellationToken);

    public Task WriteLevelAsync(ImageName image, int level, CancellationToken cancellationToken) => volume.RunAsync(
        "set a level",
        (VolumeSession session, StorageCall<bool> _) =>
        {
            Levels.Write(session, image, level);
            return true;
        },
        cancellationToken);

    public Task<bool> HasLevelAsync(ImageName image, CancellationToken cancellationToken) => volume.RunAsync(
        "look for a level", (VolumeSession session, StorageCall<bool> _) => Levels.Exists(session.Mount, image), cancellationToken);

    public Task SetProtectedAsync(ImageName image, bool isProtected, CancellationToken cancellationToken) => volume.RunAsync(
        "protect a template",
        (VolumeSession session, StorageCall<bool> _) =>
        {
            Protections.Write(session.Mount, image, isProtected);
            return true;
        },
        cancellationToken);

    public Task<IAsyncDisposable?> TryLockPoolAsync(ImageName image, CancellationToken cancellationToken) => volume.RunAsync(
        "lock a pool",
        (VolumeSession session, StorageCall<IAsyncDisposable?> _) =>
        {
            session.Mount.MakeDirectory(LockFile.PoolFolder);
            return LockFile.TryAcquire(session.Mount, LockFile.OfPool(image)) is { } held ? new PoolLock(threads, held) : null;
        },
        cancellationToken);

    /// <summary>The levels; of an image whose level cannot be read nothing is taken up.</summary>
    private Dictionary<ImageName, int> ReadLevels(DirectoryHandle mount, List<VolumeEntry> entries, HashSet<ImageName> unknown)
    {
        if (Levels.Read(mount, names, unreadable, unknown) is { } levels)
        {
            return levels;
        }

        unknown.UnionWith(entries.OfType<TemplateEntry>().Select(entry => entry.Image));
        unknown.UnionWith(entries.OfType<CopyEntry>().Select(entry => entry.Image));
        return [];
    }

    /// <summary>The templates that are protected: all of them, when nobody can tell.</summary>
    private HashSet<ImageName> ReadProtected(DirectoryHandle mount, List<VolumeEntry> entries) =>
        unreadable.TryUse(Protections.Folder, () => Protections.Read(mount, names), out var images)
            ? images
            : [.. entries.OfType<TemplateEntry>().Select(entry => entry.Image)];

    /// <summary>The versions that are kept; those that were known, when nobody can tell.</summary>
    private TemplateVersion[] ReadVersions(DirectoryHandle mount)
    {
        var known = versions.ToDictionary(version => (version.Image, version.Number));
        return unreadable.TryUse(VersionFiles.Folder, () => VersionFiles.List(mount, names), out var listed)
            ? versions = [.. listed.Select(each => Find(each.Image, each.Number)).OfType<TemplateVersion>()]
            : versions;

        TemplateVersion? Find(ImageName image, int number) => unreadable.TryUse(
            VersionFiles.NameOf(image, number),
            () => !mount.TryStat(VersionFiles.NameOf(image, number), out var stat) ? null
                : known.TryGetValue((image, number), out var before) && before.State == stat.Fingerprint ? before
                : VersionFiles.Read(mount, image, number),
            out var version) ? version : null;
    }

    private Dictionary<ImageName, int> HeldElsewhere(VolumeSession session) =>
        PrivateDirectory.Others(session)
            .SelectMany(directory => unreadable.TryUse(directory, () => session.Mount.TryList(directory), out var listed) ? listed : [])
            .Select(name =>
                PrivateNames.ClaimedImage(name) is { } text && names.ParseImage(text, out var image) is null ? image : (ImageName?)null)
            .OfType<ImageName>().CountBy(image => image).ToDictionary();

    private Template? TryFind(DirectoryHandle mount, TemplateEntry entry, HashSet<ImageName> unknown)
    {
        if (!unreadable.TryUse(entry.File.Text, () => templates.TryFind(mount, entry.Image), out var template))
        {
            unknown.Add(entry.Image);
        }

        return template;
    }

    /// <summary>
    /// The images whose template this node may not know yet. Copies of another state than the template's are stale, or the template is.
    /// </summary>
    private IEnumerable<ImageName> Replaced(DirectoryHandle mount, IEnumerable<Template> templates)
    {
        var states = templates.ToDictionary(template => template.Image, template => template.Fingerprint);
        return read.Values.Select(copy => copy.Copy)
            .Where(copy => copy.MadeFrom?.Template is { } made && states.TryGetValue(copy.Image, out var now) && now != made)
            .Select(copy => copy.Image).Distinct()
            .Where(image => !unreadable.TryUse(names.Template(image).Text, () => replaced.IsReplaced(mount, image), out var isReplaced)
                || isReplaced);
    }

    private (FileStat Stat, Copy Copy)? TryReadCopy(DirectoryHandle mount, CopyEntry entry, List<(FileName, FileStat)> withTwoNames) =>
        unreadable.TryUse(entry.File.Text, () => ReadCopy(mount, entry, withTwoNames), out var copy) ? copy : null;

    private (FileStat Stat, Copy Copy)? ReadCopy(DirectoryHandle mount, CopyEntry entry, List<(FileName, FileStat)> withTwoNames)
    {
        if (!mount.TryStat(entry.File.Text, out var stat) || !stat.IsRegular)
        {
            return null;
        }

        if (stat.Links > 1)
        {
            withTwoNames.Add((entry.File, stat));
            return null;
        }

        if (read.TryGetValue(entry.File, out var known) && known.Stat == stat)
        {
            return known;
        }

        using var file = mount.TryOpen(entry.File.Text);
        if (file is null)
        {
            return null;
        }

        var recorded = CopyRecord.Read(file, entry.File.Text);
        return recorded is null && CopyRecord.IsNewer(file, entry.File.Text) ? null
            : (stat, new Copy(
                entry.Image, entry.Number, stat.Inode,
                recorded is { } origin && CopyRecord.IsWhole(stat, origin, origin) && unfinished.HasSizeOfTemplate(file, entry.File.Text)
                    ? origin
                    : null));
    }
}
