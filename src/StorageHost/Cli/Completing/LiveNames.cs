namespace StorageHost.Cli.Completing;

/// <summary>Names that a server knows, for completion.</summary>
internal enum LiveNames
{
    /// <summary>Templates.</summary>
    Images,

    /// <summary>Virtual machines that have a disk.</summary>
    Hosts,

    /// <summary>Files of disks.</summary>
    Disks,

    /// <summary>Jobs that are remembered.</summary>
    Jobs,

    /// <summary>Volumes.</summary>
    Volumes,
}
