namespace StorageHost.Images;

/// <summary>Settings of the disks.</summary>
internal sealed class DisksOptions
{
    /// <summary>The largest data disk that a client may ask for, in GiB.</summary>
    public int MaxSizeGb { get; set; } = 65536;
}
