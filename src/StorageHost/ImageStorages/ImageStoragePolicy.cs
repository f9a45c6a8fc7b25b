namespace StorageHost.ImageStorages;

/// <summary>What the image storage is told of the configuration.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Node">This node's name.</param>
internal sealed record ImageStoragePolicy(string Id, string Node);
