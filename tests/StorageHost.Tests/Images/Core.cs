using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Moq;
using StorageHost.Files.Session;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Jobs;
using StorageHost.Images.Names;
using StorageHost.Images.Pools;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;
using StorageHost.Tests.Support;
using static StorageHost.Tests.Images.Sample;

namespace StorageHost.Tests.Images;

/// <summary>The core with its ports mocked by a volume in memory. A test changes a port's answer by setting it up anew.</summary>
internal sealed class Core : IAsyncDisposable
{
    public static readonly TimeSpan Rescan = TimeSpan.FromSeconds(5);

    public Core(PoolOptions? options = null, int reservePercent = 5)
    {
        options ??= new PoolOptions();
        var policy = new StorageOptions { ReservePercent = reservePercent, RescanInterval = Rescan };
        var metrics = new ImageMetrics(Meters);
        Pools = new PoolTable(Time);
        Foreground = new ForegroundGate(Time);
        Jobs = new JobTable(Time);
        Room = new RefusedRoom(policy);
        Scanner = new PoolScanner(Volume.Object, Publisher.Object, Pools, Room, Guarded, Versions, policy, Time, NullLogger<PoolScanner>.Instance);
        Pass = new PoolPass(Volume.Object, Publisher.Object, Engine.Object, Scanner, Room, Promised, Foreground, policy, Options.Create(options), metrics, Time, NullLogger<PoolPass>.Instance);
        Preclaimed = new PreclaimedCopies(Pools, Publisher.Object, Foreground, Time, NullLogger<PreclaimedCopies>.Instance);
        Reconciler = new PoolReconciler(
            Volume.Object, Pools, Scanner, Pass, Preclaimed, Jobs, policy, Options.Create(options), Time, Lifetime, NullLogger<PoolReconciler>.Instance);
        Service = new ImageCacheService(
            Volume.Object, Publisher.Object, Remover.Object, Creator.Object, Hosts.Object, Index.Object, Pools, Jobs,
            new DiskProvisioner(Volume.Object, Publisher.Object, Hosts.Object, Pools, Foreground, Options.Create(options), Lifetime, metrics, Time, NullLogger<DiskProvisioner>.Instance),
            Reconciler, NullLogger<ImageCacheService>.Instance);
        var admission = new ImportAdmission(Volume.Object, Remover.Object, Options.Create(Import));
        TemplateService = new TemplateService(
            Volume.Object, Importer.Object, admission, Index.Object, Remover.Object, Scanner, Guarded, Versions, policy, Promised, Pools, Jobs, Foreground, Options.Create(Import), Lifetime, NullLogger<TemplateService>.Instance);
        UrlImports = new UrlImports(
            new TemplateJobs(admission, Jobs, Pools, Lifetime, NullLogger<TemplateJobs>.Instance), Urls.Object, Importer.Object, admission, TemplateService,
            Volume.Object, policy, Promised, Foreground, Options.Create(Import), NullLogger<UrlImports>.Instance);
        UploadService = new UploadService(
            Uploads.Object, Volume.Object, policy, Promised, admission, TemplateService, Jobs, Pools, Foreground, Options.Create(Import), Lifetime, Time, NullLogger<UploadService>.Instance);
        OnVolume.SetUp(this);
        Templates[Centos] = Template();
    }

    public ManualTimeProvider Time { get; } = new();

    public TestMeters Meters { get; } = new();

    public Mock<IVolume> Volume { get; } = new(MockBehavior.Strict);

    public Mock<IPublisher> Publisher { get; } = new(MockBehavior.Strict);

    public Mock<IRemover> Remover { get; } = new(MockBehavior.Strict);

    public Mock<ICopyEngine> Engine { get; } = new(MockBehavior.Strict);

    public Mock<ITemplateImporter> Importer { get; } = new(MockBehavior.Strict);

    public Mock<ITemplateIndex> Index { get; } = new();

    public KnownVersions Versions { get; } = new();

    public ProtectedTemplates Guarded { get; } = new();

    public Mock<IDiskCreator> Creator { get; } = new(MockBehavior.Strict);

    public Mock<IHostIndex> Hosts { get; } = new();

    public ApplicationLifetime Lifetime { get; } = new(NullLogger<ApplicationLifetime>.Instance);

    public PoolTable Pools { get; }

    public JobTable Jobs { get; }

    public RefusedRoom Room { get; }

    public PromisedRoom Promised { get; } = new();

    public ForegroundGate Foreground { get; }

    public PoolScanner Scanner { get; }

    public PreclaimedCopies Preclaimed { get; }

    public PoolPass Pass { get; }

    public PoolReconciler Reconciler { get; }

    public ImageCacheService Service { get; }

    public TemplateService TemplateService { get; }

    public UploadService UploadService { get; }

    public UrlImports UrlImports { get; }

    public Mock<IUrlSource> Urls { get; } = new();

    public Mock<IUploadStore> Uploads { get; } = new(MockBehavior.Strict);

    public ImportOptions Import { get; } = new();

    /// <summary>What lies on the volume.</summary>
    public ConcurrentDictionary<ImageName, Template> Templates { get; } = new();

    public ConcurrentDictionary<(ImageName Image, int Number), Copy> Copies { get; } = new();

    public ConcurrentDictionary<ImageName, int> Levels { get; } = new();

    /// <summary>What other daemons have claimed.</summary>
    public ConcurrentDictionary<ImageName, int> HeldElsewhere { get; } = new();

    /// <summary>Images of which the storage does not say everything.</summary>
    public ConcurrentBag<ImageName> Unknown { get; } = [];

    public ConcurrentDictionary<Hostname, ImageName> Disks { get; } = new();

    /// <summary>The requests that disks were made for, where these had a name.</summary>
    public ConcurrentDictionary<Hostname, RequestMark> Marks { get; } = new();

    public VolumeSpace Space { get; set; } = new(1_000_000, 1_000_000);

    /// <summary>Private files that nobody uses any more.</summary>
    public ConcurrentQueue<string> Released { get; } = new();

    /// <summary>Passes of the copy engine: whose copies, how many.</summary>
    public ConcurrentQueue<(ImageName Image, int Copies)> Passes { get; } = new();

    /// <summary>The paces at which they were told to go on.</summary>
    public ConcurrentQueue<Pace> Paces { get; } = new();

    /// <summary>Passes that were stopped.</summary>
    public ConcurrentQueue<ImageName> Stopped { get; } = new();

    /// <summary>What a pass waits for before it ends.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public Pool Pool => Pools.Get(Centos);

    public int LastNumber { get; set; }

    public void AddCopies(int count, Fingerprint? of = null, ImageName? image = null)
    {
        for (; count > 0; count--)
        {
            var copy = Copy(++LastNumber, of, image);
            Copies[(copy.Image, copy.Number)] = copy;
        }
    }

    public Claim NewClaim(ImageName image, Fingerprint? of = null) => Claim($"claim-{Guid.NewGuid():N}", file => Released.Enqueue(file.Name), of, image);

    /// <summary>Starts the reconciler and waits until it has read the volume.</summary>
    public async Task<Core> StartAsync()
    {
        await Reconciler.StartAsync(CancellationToken.None);
        await Eventually.HoldsAsync(() => Reconciler.Problem is null && Scanner.LastScan is not null);
        return this;
    }

    /// <summary>Waits for something while time goes by.</summary>
    public Task PassesUntilAsync(Func<bool> condition, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "") =>
        Eventually.HoldsAsync(condition, Time, TimeSpan.FromMilliseconds(500), what);

    public async ValueTask DisposeAsync()
    {
        Lifetime.StopApplication();
        await Reconciler.StopAsync(CancellationToken.None);
        Reconciler.Dispose();
        Scanner.Dispose();
        Pools.Dispose();
    }
}
