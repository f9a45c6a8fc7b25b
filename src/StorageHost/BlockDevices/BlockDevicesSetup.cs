using StorageHost.ImageStorages;

namespace StorageHost.BlockDevices;

/// <summary>Joins the disks of this node to a host.</summary>
internal static class BlockDevicesSetup
{
    public static IServiceCollection AddBlockDevices(this IServiceCollection services) => services
        .AddSingleton<Lsblk>()
        .AddFacts<IReadOnlyList<PhysicalDisk>, DiskSurvey>(log => new PollLog("the disks", log));
}
