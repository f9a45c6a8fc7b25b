namespace StorageHost.ImageStorages;

/// <summary>
/// Facts of one kind, for those who read them. Those of Gluster are null without a problem where there is no gluster on this node.
/// </summary>
internal interface IFacts<T>
    where T : class
{
    /// <summary>What was last learnt.</summary>
    Facts<T> Latest { get; }
}

/// <summary>The configured directories (port; implemented in Files).</summary>
internal interface IDirectorySource
{
    /// <summary>What was last learnt of each, by its name in the configuration; the served directory is the first.</summary>
    IReadOnlyList<(string Name, Facts<DirectoryFacts> Facts)> Latest { get; }
}
