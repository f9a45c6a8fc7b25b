using StorageHost.Images.Names;

namespace StorageHost.Images.Ports;

/// <summary>Deletes exactly what it is told to, or nothing (port; implemented in Files).</summary>
internal interface IRemover
{
    /// <summary>Deletes a host's system disk and, if asked, its data disks.</summary>
    /// <exception cref="RefusedException">HostNotFound; DiskInUse when QEMU has one of them open anywhere.</exception>
    Task<RemovedHost> RemoveHostAsync(Hostname hostname, bool purge, CancellationToken cancellationToken);

    /// <summary>Deletes one data disk.</summary>
    /// <exception cref="RefusedException">DiskNotFound; DiskInUse when QEMU has it open anywhere.</exception>
    Task<RemovedDisk> RemoveDiskAsync(DataDiskEntry disk, CancellationToken cancellationToken);

    /// <summary>Refuses when a template cannot be deleted.</summary>
    /// <exception cref="RefusedException">
    /// ImageNotFound; ImageProtected; DiskInUse when QEMU has it open; ImageInUse when linked clones have it as backing file.
    /// </exception>
    Task CheckImageAsync(ImageName image, CancellationToken cancellationToken);

    /// <summary>Deletes a template, its copies and its wanted level, after the same checks.</summary>
    Task<RemovedImage> RemoveImageAsync(ImageName image, CancellationToken cancellationToken);
}
