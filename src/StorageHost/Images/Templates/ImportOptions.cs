namespace StorageHost.Images.Templates;

/// <summary>The section <c>Import</c>: how templates come in through the daemon.</summary>
internal sealed class ImportOptions
{
    /// <summary>The largest template that is taken, in bytes.</summary>
    public long MaxBytes { get; set; } = 1L << 40;

    /// <summary>How many templates may come in at the same time; more are refused with 429.</summary>
    public int MaxAtOnce { get; set; } = 4;

    /// <summary>How long a sender, or the server of a URL, may send nothing before it is given up.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether templates may be fetched from URLs.</summary>
    public bool Urls { get; set; }

    /// <summary>
    /// The hosts that may be fetched from whatever their address is, and without TLS; see <see cref="Templates.AllowedHosts"/>.
    /// </summary>
    public string AllowedHosts { get; set; } = "";

    /// <summary>How often a download that broke off is continued while next to nothing comes.</summary>
    public int UrlRetries { get; set; } = 5;

    /// <summary>How long an upload is kept after its last piece.</summary>
    public TimeSpan UploadLifetime { get; set; } = TimeSpan.FromDays(1);
}
