namespace StorageHost.Images.Ports;

/// <summary>What the core needs to know of the storage's settings. Both may change while the daemon runs.</summary>
internal interface IVolumePolicy
{
    /// <summary>What stays free of copies, in percent of the volume.</summary>
    int ReservePercent { get; }

    /// <summary>How often the directory is looked at without a call.</summary>
    TimeSpan RescanInterval { get; }

    /// <summary>How long a storage operation may take.</summary>
    TimeSpan OperationTimeout { get; }
}
