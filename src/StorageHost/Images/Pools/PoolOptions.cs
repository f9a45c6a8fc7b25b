namespace StorageHost.Images.Pools;

/// <summary>The section <c>Pool</c>: how copies are kept and made.</summary>
internal sealed class PoolOptions
{
    /// <summary>The highest level that a pool can be set to.</summary>
    public int MaxCopies { get; set; } = 10;

    /// <summary>How many images are copied at the same time. The last worker is kept for callers who wait.</summary>
    public int Workers { get; set; } = 2;

    /// <summary>How many callers may wait for copies at the same time; more are refused with 429.</summary>
    public int MaxWaiting { get; set; } = 1000;

    /// <summary>How long a caller waits for a copy before it is told 504.</summary>
    public TimeSpan WaitTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// How many bytes a second the filling of a pool may write; 0: as many as the storage takes. Callers who wait are never slowed down.
    /// </summary>
    public long MaxBytesPerSecond { get; set; }

    /// <summary>
    /// How long nobody must have written to a template before it is copied: a raw file that is still being copied looks whole.
    /// </summary>
    public TimeSpan SettleTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether a copy's digest is computed from what is read back from the storage, not from the page cache.</summary>
    public bool Verify { get; set; } = true;
}
