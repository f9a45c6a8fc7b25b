using Microsoft.Win32.SafeHandles;

namespace StorageHost.Images.Ports;

/// <summary>Makes empty data disks (port; implemented in Qemu).</summary>
internal interface IDiskCreator
{
    /// <summary>Makes an empty qcow2 of <paramref name="sizeGb"/> GiB, outside of the storage directory.</summary>
    /// <returns>The image, open for reading. It has no name, and is gone when it is closed.</returns>
    /// <exception cref="RefusedException">StorageTimeout after the deadline; StorageUnavailable otherwise.</exception>
    Task<SafeFileHandle> CreateAsync(int sizeGb, CancellationToken cancellationToken);
}
