namespace StorageHost.Images.Ports;

/// <summary>How much room a volume has, in bytes.</summary>
internal readonly record struct VolumeSpace(long TotalBytes, long FreeBytes);
