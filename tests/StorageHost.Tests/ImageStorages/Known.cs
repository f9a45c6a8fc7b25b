using StorageHost.Files.Session;
using StorageHost.Images.Pools;
using StorageHost.ImageStorages;

namespace StorageHost.Tests.ImageStorages;

/// <summary>Facts as the tests need them, and the service that puts them together.</summary>
internal sealed class Known : IFacts<GlusterCluster>, IFacts<IReadOnlyList<PhysicalDisk>>, IDirectorySource
{
    public static readonly DateTimeOffset Taken = new(2040, 5, 1, 12, 0, 0, TimeSpan.FromHours(2));

    public const string AsOf = " (what is shown is of 2040-05-01T10:00:00Z)";

    private static readonly StorageOptions Settings = new() { ReservePercent = 5 };

    public RefusedRoom Room { get; } = new(Settings);

    public Facts<GlusterCluster> Cluster { get; set; } = Facts<GlusterCluster>.None;

    public Facts<IReadOnlyList<PhysicalDisk>> Disks { get; set; } = Facts<IReadOnlyList<PhysicalDisk>>.None;

    public List<(string Name, Facts<DirectoryFacts> Facts)> Directories { get; } = [];

    Facts<GlusterCluster> IFacts<GlusterCluster>.Latest => Cluster;

    Facts<IReadOnlyList<PhysicalDisk>> IFacts<IReadOnlyList<PhysicalDisk>>.Latest => Disks;

    IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> IDirectorySource.Latest => Directories;

    public static Facts<T> Fresh<T>(T value)
        where T : class => new(value, Taken, null);

    public static Facts<T> Stale<T>(T value, string problem)
        where T : class => new(value, Taken, problem);

    /// <summary>A replica of three, all well; a brick's node is n1, n2, ….</summary>
    public static GlusterVolume Volume(string name = "vms", int bricks = 3, int setSize = 3, int needed = 2) => new(
        name, "Replicate", "1 x 3", "tcp", true, [.. Enumerable.Range(1, bricks).Select(n => new GlusterBrick($"n{n}", "/b", true, false))], setSize, needed, 0, 0, 9 << 20, 6 << 20)
    {
        BricksTakenAt = Taken,
    };

    public static GlusterVolume WithBricks(GlusterVolume volume, params bool?[] online) =>
        volume with { Bricks = [.. volume.Bricks.Zip(online, (brick, state) => brick with { IsOnline = state })] };

    public static Facts<GlusterCluster> ClusterOf(params GlusterVolume[] volumes) =>
        Fresh(new GlusterCluster([.. Enumerable.Range(1, 3).Select(n => new GlusterNode($"n{n}", true))], volumes));

    public static DirectoryFacts Directory(string type, string source, string device = "0:50", string mountPoint = "/srv/vms", params IndexedImage[] images) =>
        new(type, source, mountPoint, device, 100L << 30, 60L << 30, images, []);

    public static PhysicalDisk Disk(string id, string path, params string[] numbers) =>
        new(id, "ATA", "Samsung", path, numbers.ToHashSet(StringComparer.Ordinal));

    public ImageStorageInfo Get() => Service().Get("internal");

    public ImageStorageService Service()
    {
        var policy = new ImageStoragePolicy("internal", "me");
        return new ImageStorageService(this, this, this, new VolumeHealth(Settings), new ImageLists(), Room, policy);
    }
}
