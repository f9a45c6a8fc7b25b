using StorageHost.Images.Names;

namespace StorageHost.Images.Ports;

/// <summary>Makes disks larger that have their names (port; implemented in Files).</summary>
internal interface IDiskGrower
{
    /// <summary>
    /// Makes a disk larger that no guest has open. Cut short anywhere, it has its old size or the new one.
    /// </summary>
    /// <exception cref="RefusedException">DiskNotFound; DiskInUse; InvalidSize; ImageRejected: it cannot be made larger; NoSpace; and what
    /// the storage says: then the outcome is unknown.</exception>
    Task GrowAsync(FileName disk, int sizeGb, CancellationToken cancellationToken);
}
