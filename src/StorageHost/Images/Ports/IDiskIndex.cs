using StorageHost.Images.Disks;
using StorageHost.Images.Names;

namespace StorageHost.Images.Ports;

/// <summary>The disks of the served directory (port; implemented in Files).</summary>
internal interface IDiskIndex
{
    /// <summary>Some of them, from the index, without a look at the directory.</summary>
    DiskPage List(DiskFilter filter);

    /// <summary>One of them, as it is now.</summary>
    /// <exception cref="RefusedException">DiskNotFound; and what the storage says.</exception>
    Task<OneDisk> FindAsync(FileName disk, CancellationToken cancellationToken);
}
