using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StorageHost.Files;
using StorageHost.Files.Catalog;
using StorageHost.Files.Copying;
using StorageHost.Files.Growing;
using StorageHost.Files.Importing;
using StorageHost.Files.Posix;
using StorageHost.Files.Publishing;
using StorageHost.Files.Removing;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Qemu;
using StorageHost.Qemu.Converting;
using StorageHost.Tests.Images;
using StorageHost.Tests.ImageStorages;
using StorageHost.Tests.Support;

namespace StorageHost.Tests.Files;

/// <summary>The part of a daemon that works on a directory, with storage threads and a private directory of its own.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    private bool isGone;

    private Daemon(string directory, IImageInspector inspector, StorageOptions? storage, bool bringsBack)
    {
        var options = Options.Create(storage ?? new StorageOptions { Directory = directory, Threads = 4 });
        var pool = Options.Create(new PoolOptions());
        Threads = new StorageThreads(options, TimeProvider.System, NullLogger<StorageThreads>.Instance);
        Volume = new VolumeSessions(options, Threads, NullLogger<VolumeSessions>.Instance);
        var permissions = new FilePermissions(Options.Create(new DisksOptions { Mode = "0640" }));
        Templates = new TemplateFile(Sample.Names, inspector, Volume, Replaced);
        var unreadable = new UnreadableFiles(NullLogger<UnreadableFiles>.Instance);
        var growth = new TemplateGrowth(Volume, Templates, new ImageGrower());
        var unfinished = new UnfinishedGrowth(inspector, new ImageGrower(), NullLogger<UnfinishedGrowth>.Instance);
        var standing = new StandingDisks(unfinished);
        var ready = new ReadyCopies(Sample.Names, () => Enumerable.Range(1, 100));
        var claims = new ClaimPublisher(Templates, growth, standing, ready, options.Value);
        Publisher = new Publisher(Volume, Sample.Names, claims, ready, standing, growth, permissions, inspector, unreadable, Clock);
        Recovery = new Recovery(Volume, Threads, Sample.Names, ready, unfinished, unreadable, Clock, NullLogger<Recovery>.Instance);
        var deleted = new DeletedFileLocks(Volume, Clock);
        Deletions = new RememberedDeletions(Sample.Names, deleted, unreadable, new BrickCalm(Known, Clock), _ => bringsBack, new ImageMetrics(Meters), Clock, DeletionLog);
        Remover = new Remover(Volume, Sample.Names, inspector, Templates, deleted, Deletions);
        var whole = new WholeTemplates(Volume, inspector, TimeProvider.System);
        var safe = new CheckedTemplates(Volume, Templates, Replaced, new TemplateAge(pool, Clock), whole);
        var replacement = new TemplateReplacement(Sample.Names, Replaced, Options.Create(Kept));
        var converter = new QemuConverter(Programs.Runner, Options.Create(new QemuOptions()), NullLogger<QemuConverter>.Instance);
        var foreign = new ForeignTemplates(Volume, inspector, whole, converter);
        var templates = new TemplatePublisher(Volume, Sample.Names, permissions, inspector, whole, foreign, replacement, Clock);
        Importer = new TemplateImporter(Volume, Sample.Names, inspector, templates, replacement);
        Uploads = new UploadStore(Volume, Sample.Names, templates, unreadable, Clock, $"node:{Guid.NewGuid()}");
        Engine = new CopyEngine(Volume, Sample.Names, Templates, Replaced, safe, permissions, pool, TestMeters.OfImages(), Clock);
        Journal = new JobJournal(Volume, Sample.Names, unreadable, Clock);
        var list = new TemplateList(Sample.Names, options.Value, TimeProvider.System);
        Images = new VolumeCatalog(Volume, Sample.Names, Recovery, Templates, list, unreadable, new MultiLinkedCopies(unreadable, Clock, NullLogger<MultiLinkedCopies>.Instance), Deletions, safe, Replaced, unfinished, Threads);
    }

    /// <summary>The clock by which files are old; deadlines go by the real one.</summary>
    public ManualTimeProvider Clock { get; } = new();

    /// <summary>What it knows of the bricks.</summary>
    public Known Known { get; } = new();

    public TestMeters Meters { get; } = new();

    public ListLog<RememberedDeletions> DeletionLog { get; } = new();

    public StorageThreads Threads { get; }

    public VolumeSessions Volume { get; }

    public TemplateFile Templates { get; }

    public ReplacedTemplates Replaced { get; } = new(Sample.Names);

    public Publisher Publisher { get; }

    public Recovery Recovery { get; }

    public Remover Remover { get; }

    public RememberedDeletions Deletions { get; }

    public CopyEngine Engine { get; }

    public TemplateImporter Importer { get; }

    public UploadStore Uploads { get; }

    /// <summary>How many versions it keeps.</summary>
    public TemplatesOptions Kept { get; } = new();

    public VolumeCatalog Images { get; }

    public JobJournal Journal { get; }

    /// <param name="store">Its directory.</param>
    /// <param name="inspector">Looks at images.</param>
    /// <param name="storage">Its settings.</param>
    /// <param name="bringsBack">Whether it takes the directory for one of a Gluster volume, which may bring back what was deleted.</param>
    public static async Task<Daemon> StartAsync(Store store, IImageInspector? inspector = null, StorageOptions? storage = null, bool bringsBack = false)
    {
        var daemon = new Daemon(store.Path, inspector ?? new ImageInspector(), storage, bringsBack);
        await daemon.Volume.EnsureSessionAsync(CancellationToken.None);
        return daemon;
    }

    /// <summary>Works in the session, as the daemon does; each time it is an operation of its own.</summary>
    public Task<T> RunAsync<T>(Func<VolumeSession, T> work) => Volume.RunAsync($"test {Guid.NewGuid()}", (VolumeSession session, StorageCall<T> _) => work(session), CancellationToken.None);

    public Task RecoverAsync() => Recovery.RunAsync(CancellationToken.None);

    /// <summary>Makes copies and gives them to the pool.</summary>
    public async Task<IReadOnlyList<Copy>> FillAsync(int copies, ImageName? image = null)
    {
        var made = new List<Copy>();
        foreach (var claim in await Engine.MakeAsync(image ?? Sample.Centos, copies, _ => default, CancellationToken.None))
        {
            made.Add(await Publisher.AddToPoolAsync(claim, CancellationToken.None));
        }

        return made;
    }

    /// <summary>Claims a copy and publishes it, and waits until the storage threads are free; Gone when it could not be claimed.</summary>
    public async Task<PublishResult> PublishAsync(Copy copy, Hostname hostname, CancellationToken cancellationToken = default)
    {
        var result = await RaceAsync(copy, hostname, cancellationToken);
        await ThreadsAreFreeAsync();
        return result;
    }

    /// <summary>The same among others who are at work in the same threads, without that wait.</summary>
    public async Task<PublishResult> RaceAsync(Copy copy, Hostname hostname, CancellationToken cancellationToken = default) =>
        await Publisher.ClaimAsync(copy, cancellationToken) is { } claim
            ? await Publisher.PublishAsync(claim, hostname, null, null, cancellationToken)
            : new PublishResult(PublishOutcome.Gone, Sample.Names.SystemDisk(hostname));

    /// <summary>Waits until the storage threads have ended what they were at: then each of them can meet the others.</summary>
    public Task ThreadsAreFreeAsync()
    {
        var all = new Barrier(4);
        return Eventually.EndsAsync(Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RunAsync(_ => all.SignalAndWait(TimeSpan.FromSeconds(20))))));
    }

    /// <summary>Dies: its lock goes with the process, everything else stays where it is.</summary>
    public async Task CrashAsync()
    {
        var session = await RunAsync(session => session);
        isGone = true;
        session.Private.Dispose();
        Threads.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (!isGone)
        {
            isGone = true;
            await Recovery.DisposeAsync();
            await Volume.DisposeAsync();
            Threads.Dispose();
        }
    }
}
