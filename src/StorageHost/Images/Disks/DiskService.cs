using StorageHost.Images.Names;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Disks;

/// <summary>What can be asked of single disks.</summary>
internal sealed partial class DiskService(IDiskIndex index, IDiskGrower grower, ILogger<DiskService> log)
{
    /// <summary>Some of the disks, from the index.</summary>
    public DiskPage List(DiskFilter filter) => index.List(filter);

    /// <summary>One disk, as it is now.</summary>
    /// <exception cref="RefusedException">DiskNotFound; and what the storage says.</exception>
    public Task<OneDisk> GetAsync(FileName disk, CancellationToken cancellationToken) => index.FindAsync(disk, cancellationToken);

    /// <summary>Makes a disk larger, and says how it is then.</summary>
    /// <exception cref="RefusedException">As <see cref="IDiskGrower.GrowAsync"/>.</exception>
    public async Task<OneDisk> GrowAsync(FileName disk, int sizeGb, CancellationToken cancellationToken)
    {
        await grower.GrowAsync(disk, sizeGb, cancellationToken);
        LogGrown(disk, sizeGb);
        return await index.FindAsync(disk, cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Disk} has {SizeGb} GiB now")]
    private partial void LogGrown(FileName disk, int sizeGb);
}
