namespace StorageHost.Cli.Output;

/// <summary>How data is written.</summary>
internal enum OutputFormat
{
    /// <summary>A table with what most people want to see.</summary>
    Table,

    /// <summary>A table with everything.</summary>
    Wide,

    /// <summary>What the server answered, as it came.</summary>
    Json,

    /// <summary>Everything, with commas in between (RFC 4180), and numbers as they are.</summary>
    Csv,
}
