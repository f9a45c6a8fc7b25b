using StorageHost.ImageStorages;

namespace StorageHost.BlockDevices;

/// <summary>Looks at the disks of this node once a minute.</summary>
internal sealed class DiskPoller(Lsblk lsblk, IMounts mounts, TimeProvider time, ILogger<DiskPoller> log) : BackgroundService, IDiskSource
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly PolledFacts<IReadOnlyList<PhysicalDisk>> disks = new("the disks", token => ReadAsync(lsblk, mounts, token), time, log);

    public Facts<IReadOnlyList<PhysicalDisk>> Latest => disks.Latest;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => disks.RunAsync(() => Interval, stoppingToken);

    private static async Task<IReadOnlyList<PhysicalDisk>> ReadAsync(Lsblk lsblk, IMounts mounts, CancellationToken cancellationToken)
    {
        var devices = await lsblk.ReadAsync(cancellationToken);
        return new DeviceGraph(devices, DeviceLinks.LoopFiles(), mounts).Disks(DeviceLinks.ById());
    }
}
