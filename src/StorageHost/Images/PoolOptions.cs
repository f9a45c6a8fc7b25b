namespace StorageHost.Images;

/// <summary>Settings of the pools.</summary>
internal sealed class PoolOptions
{
    /// <summary>The highest wanted level that a client may set.</summary>
    public int MaxCopies { get; set; } = 10;
}
