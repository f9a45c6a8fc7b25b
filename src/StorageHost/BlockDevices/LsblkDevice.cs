namespace StorageHost.BlockDevices;

/// <summary>A block device as lsblk shows it, with what is built on it. One that is built on several is shown under each.</summary>
/// <param name="Kname">The kernel's name: <c>sda1</c>, <c>dm-0</c>, <c>cciss/c0d0</c>.</param>
/// <param name="Path">The device node.</param>
/// <param name="Number"><c>major:minor</c>.</param>
/// <param name="Type"><c>disk</c>, <c>part</c>, <c>lvm</c>, <c>raid1</c>, <c>mpath</c>, <c>loop</c>, <c>rom</c>, …; null: not
/// known.</param>
/// <param name="Size">In bytes; null when it is not known.</param>
/// <param name="Vendor">The vendor string.</param>
/// <param name="Model">The product string.</param>
/// <param name="Serial">The serial number.</param>
/// <param name="Wwn">The World Wide Name as udev writes it: <c>0x5…</c>, <c>eui.…</c>.</param>
/// <param name="Transport">How it is connected: <c>sata</c>, <c>usb</c>, <c>nvme</c>, …</param>
/// <param name="Children">What is built on it.</param>
internal sealed record LsblkDevice(
    string Kname,
    string Path,
    string Number,
    string? Type,
    long? Size,
    string? Vendor,
    string? Model,
    string? Serial,
    string? Wwn,
    string? Transport,
    IReadOnlyList<LsblkDevice> Children);
