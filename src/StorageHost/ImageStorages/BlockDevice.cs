namespace StorageHost.ImageStorages;

/// <summary>A physical disk and what is built on it.</summary>
/// <param name="Id">Its World Wide Name or SCSI id as udev gives it; without one, its serial number or device name.</param>
/// <param name="Vendor">The vendor string; may be empty.</param>
/// <param name="Model">The product string; may be empty.</param>
/// <param name="Path">The device: <c>/dev/sdb</c>.</param>
/// <param name="DeviceNumbers">The numbers, <c>major:minor</c>, of the disk and of everything built on it: partitions, LVM, md, loop
/// devices.</param>
internal sealed record PhysicalDisk(string Id, string Vendor, string Model, string Path, IReadOnlySet<string> DeviceNumbers);
