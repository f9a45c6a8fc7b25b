namespace StorageHost.Images.Templates;

/// <summary>The section <c>Import</c>: how templates come in through the daemon.</summary>
internal sealed class ImportOptions
{
    /// <summary>The largest template that is taken, in bytes.</summary>
    public long MaxBytes { get; set; } = 1L << 40;

    /// <summary>How many templates may come in at the same time; more are refused with 429.</summary>
    public int MaxAtOnce { get; set; } = 4;

    /// <summary>How long a sender may send nothing before it is given up.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long an upload is kept after its last piece.</summary>
    public TimeSpan UploadLifetime { get; set; } = TimeSpan.FromDays(1);
}
