using System.Globalization;
using System.Runtime.CompilerServices;
using Xunit;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Every test is in this one collection, so that the volumes are made once.</summary>
[CollectionDefinition(Name)]
public sealed class LabTests : ICollectionFixture<Lab>
{
    public const string Name = "lab";
}

/// <summary>The volumes of one test run. Each is made when a test first asks for it; one script takes them all down.</summary>
public sealed class Lab : IAsyncLifetime
{
    /// <summary>Which of the labs of this machine this run has, 0 to 9: STORAGEHOST_LAB. Two that run at once share no name and no network.</summary>
    internal static readonly int Number = int.Parse(Environment.GetEnvironmentVariable("STORAGEHOST_LAB") ?? "0", NumberStyles.None, CultureInfo.InvariantCulture);

    internal static readonly string Directory = string.Create(CultureInfo.InvariantCulture, $"/var/tmp/storagehost-it{Number}");

    /// <summary>What the names of its nodes and its network begin with.</summary>
    internal static readonly string Prefix = string.Create(CultureInfo.InvariantCulture, $"sthit{Number}-");

    private readonly Dictionary<StorageKind, Volume> volumes = [];
    private FileStream? alone;
    private GlusterCluster? cluster;
    private int areas;

    internal Masters Masters { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (Requirements.Missing.Length > 0)
        {
            Assert.True(!Requirements.Strict, $"This machine lacks what the tests need: {Requirements.Missing}");
            return;
        }

        alone = await Wait.ForAsync("another run of these tests to end", () => Task.FromResult(TryLock()), seconds: 1200);
        await Shell.RunAsync(Repository.Sweep);
        System.IO.Directory.CreateDirectory(Path.Combine(Directory, "pids"));
        System.IO.Directory.CreateDirectory(Repository.Logs);
        Masters = new Masters(Path.Combine(Directory, "masters"));
    }

    public async Task DisposeAsync()
    {
        if (alone is not null)
        {
            await Shell.RunAsync(Repository.Sweep);
            await alone.DisposeAsync();
        }
    }

    /// <summary>A fresh storage directory on a volume of that kind.</summary>
    internal async Task<StorageArea> AreaAsync(StorageKind kind, [CallerMemberName] string test = "")
    {
        var volume = await VolumeAsync(kind);
        var name = string.Create(CultureInfo.InvariantCulture, $"{++areas:000}-{kind}-{test}");
        return StorageArea.Make(volume, Path.Combine(volume.MountPoint, name[..Math.Min(name.Length, 100)]), name);
    }

    internal async Task<Volume> VolumeAsync(StorageKind kind)
    {
        if (!volumes.TryGetValue(kind, out var volume))
        {
            volumes[kind] = volume = kind switch
            {
                StorageKind.Xfs => new(await LoopDevice.MountXfsAsync(Directory, "xfs", "16G"), [Place.Here]),
                StorageKind.PlainXfs => new(await LoopDevice.MountXfsAsync(Directory, "plain", "32G", reflink: false), [Place.Here]),
                StorageKind.Replica3 => await (await ClusterAsync()).AddVolumeAsync("replica", ["replica", "3"], [GlusterCluster.ForMachines]),
                StorageKind.PlainReplica3 => await (await ClusterAsync()).AddVolumeAsync("plainreplica", "replica", "3"),
                _ => await (await ClusterAsync()).AddVolumeAsync("distribute"),
            };
        }

        return volume;
    }

    internal async Task<GlusterCluster> ClusterAsync() => cluster ??= await GlusterCluster.StartAsync(Path.Combine(Directory, "cluster"));

    private static FileStream? TryLock()
    {
        try
        {
            return new FileStream($"{Directory}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
