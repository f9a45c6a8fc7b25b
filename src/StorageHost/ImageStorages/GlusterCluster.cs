namespace StorageHost.ImageStorages;

/// <summary>What the gluster CLI says of the cluster.</summary>
/// <param name="Nodes">Its nodes, this one with the name that the bricks use for it.</param>
/// <param name="Volumes">Its volumes.</param>
internal sealed record GlusterCluster(IReadOnlyList<GlusterNode> Nodes, IReadOnlyList<GlusterVolume> Volumes);

/// <summary>A node of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsConnected">Whether its daemon is reached from here.</param>
internal sealed record GlusterNode(string Name, bool IsConnected);

/// <summary>A volume of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">As the CLI names it: <c>Distribute</c>, <c>Replicate</c>, <c>Disperse</c>, <c>Distributed-Replicate</c>, …</param>
/// <param name="Configuration">As the CLI prints it without the total: <c>3</c>, <c>1 x 3</c>, <c>1 x (2 + 1)</c>.</param>
/// <param name="Transport"><c>tcp</c>, <c>rdma</c> or <c>tcp,rdma</c>.</param>
/// <param name="IsStarted">Whether it is started.</param>
/// <param name="Bricks">Its bricks, in the CLI's order; those of one replica or disperse set stand together.</param>
/// <param name="SetSize">Bricks in one replica or disperse set; 1 for a plain distribute volume.</param>
/// <param name="NeededInSet">Bricks of each set that must be up for the set to be written to: all but the redundancy of a disperse set;
/// for a replica set what its client quorum asks for, by default the majority of three and more, but one of two; 1 for a plain distribute volume.</param>
/// <param name="HealPending">Entries that wait to be healed; null when the volume does not heal or it could not be asked.</param>
/// <param name="SplitBrain">Entries in split-brain; null as above.</param>
/// <param name="TotalBytes">Size of the volume as its bricks add up; null when its bricks could not be asked.</param>
/// <param name="FreeBytes">Free bytes, likewise.</param>
internal sealed record GlusterVolume(
    string Name,
    string Type,
    string Configuration,
    string Transport,
    bool IsStarted,
    IReadOnlyList<GlusterBrick> Bricks,
    int SetSize,
    int NeededInSet,
    int? HealPending,
    int? SplitBrain,
    long? TotalBytes,
    long? FreeBytes)
{
    /// <summary>Whether a set of which no more than <see cref="NeededInSet"/> bricks are up also needs its first brick among them: half of an
    /// even replica set under <c>cluster.quorum-type auto</c>.</summary>
    public bool FirstBrickBreaksTie { get; init; }
}

/// <summary>A brick.</summary>
/// <param name="Node">The node that it lies on.</param>
/// <param name="Path">Its directory there.</param>
/// <param name="IsOnline">Whether its process serves; null when it could not be asked.</param>
/// <param name="IsArbiter">Whether it holds names only, no data.</param>
internal sealed record GlusterBrick(string Node, string Path, bool? IsOnline, bool IsArbiter)
{
    /// <summary><c>node:/path</c>.</summary>
    public override string ToString() => $"{Node}:{Path}";
}
