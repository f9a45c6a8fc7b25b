namespace StorageHost.ImageStorages;

/// <summary>The Gluster cluster (port; implemented in Gluster). Null facts without a problem: there is no gluster on this node.</summary>
internal interface IGlusterSource
{
    /// <summary>What was last learnt.</summary>
    Facts<GlusterCluster> Latest { get; }
}

/// <summary>The disks of this node (port; implemented in BlockDevices).</summary>
internal interface IDiskSource
{
    /// <summary>What was last learnt.</summary>
    Facts<IReadOnlyList<PhysicalDisk>> Latest { get; }
}

/// <summary>The configured directories (port; implemented in Files).</summary>
internal interface IDirectorySource
{
    /// <summary>What was last learnt of each, by its name in the configuration; the served directory is the first.</summary>
    IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> Latest { get; }
}
