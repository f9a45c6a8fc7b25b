namespace StorageHost.Images;

/// <summary>Makes empty data disks (port; implemented in Qemu).</summary>
internal interface IDiskCreator
{
    /// <summary>Writes an empty qcow2 of <paramref name="sizeGb"/> GiB to <paramref name="file"/>, which exists and is empty.</summary>
    /// <exception cref="RefusedException">NoSpace when the volume is full; StorageTimeout after the deadline; StorageUnavailable otherwise.</exception>
    Task CreateAsync(PrivateFile file, int sizeGb, CancellationToken cancellationToken);
}
