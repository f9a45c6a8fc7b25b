namespace StorageHost.ImageStorages;

/// <summary>What the gluster CLI says of the cluster.</summary>
/// <param name="Nodes">Its nodes, this one with the name that the bricks use for it.</param>
/// <param name="Volumes">Its volumes.</param>
internal sealed record GlusterCluster(IReadOnlyList<GlusterNode> Nodes, IReadOnlyList<GlusterVolume> Volumes)
{
    /// <summary>The volume's name in a mount's source: <c>node:/volume</c>, <c>node:volume</c> or <c>node:/volume/folder</c>.</summary>
    public static string VolumeOf(string source) =>
        source[(source.IndexOf(':', StringComparison.Ordinal) + 1)..].TrimStart('/').Split('/')[0];

    /// <summary>
    /// Whether all of a volume is there: false when a brick is away; null when that is not known, or something waits to be healed.
    /// </summary>
    public bool? IsWhole(string name)
    {
        if (Volumes.FirstOrDefault(candidate => candidate.Name == name) is not { } volume)
        {
            return null;
        }

        return !volume.IsStarted
            || volume.Bricks.Any(brick => brick.IsOnline == false || Nodes.Any(node => !node.IsAsked && node.Has(brick)))
            ? false
            : volume.Bricks.All(brick => brick.IsOnline == true) && (volume.SetSize == 1 || volume.HealPending == 0) ? true
            : null;
    }
}

/// <summary>A node of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsConnected">Whether its daemon is reached from here.</param>
internal sealed record GlusterNode(string Name, bool IsConnected)
{
    /// <summary>Whether it is shut out, as a volume's configuration there differs from that of this node.</summary>
    public bool IsRejected { get; init; }

    /// <summary>All names that bricks call it by; volumes may have been made with different ones.</summary>
    public IReadOnlyList<string> Names { get; init; } = [Name];

    /// <summary>What it is instead of a member of the cluster, in Gluster's words; empty for a member.</summary>
    public string Standing { get; init; } = "";

    /// <summary>Whether it can be asked how its bricks are.</summary>
    public bool IsAsked => IsConnected && Standing.Length == 0;

    /// <summary>Whether a brick lies on it.</summary>
    public bool Has(GlusterBrick brick) => Names.Contains(brick.Node, StringComparer.Ordinal);
}

/// <summary>A volume of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">As the CLI names it: <c>Distribute</c>, <c>Replicate</c>, <c>Disperse</c>, <c>Distributed-Replicate</c>, …</param>
/// <param name="Configuration">As the CLI prints it without the total: <c>3</c>, <c>1 x 3</c>, <c>1 x (2 + 1)</c>.</param>
/// <param name="Transport"><c>tcp</c>, <c>rdma</c> or <c>tcp,rdma</c>.</param>
/// <param name="IsStarted">Whether it is started.</param>
/// <param name="Bricks">Its bricks, in the CLI's order; those of one replica or disperse set stand together.</param>
/// <param name="SetSize">Bricks in one replica or disperse set; 1 for a plain distribute volume.</param>
/// <param name="NeededInSet">Bricks of each set that must be up for the set to be written to: all but the redundancy of a disperse set;
/// for a replica set what its client quorum asks for, by default the majority of three and more, but one of two; 1 for a plain distribute
/// volume.</param>
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
    /// <summary>Whether a set of which no more than <see cref="NeededInSet"/> bricks are up also needs its first brick among them: half of
    /// an even replica set under <c>cluster.quorum-type auto</c>.</summary>
    public bool FirstBrickBreaksTie { get; init; }

    /// <summary>When its bricks were last asked; null when they never were.</summary>
    public DateTimeOffset? BricksTakenAt { get; init; }

    /// <summary>
    /// When <see cref="HealPending"/> and <see cref="SplitBrain"/> were counted, where they could not be counted since; else null.
    /// </summary>
    public DateTimeOffset? HealsOfEarlier { get; init; }

    /// <summary>Why its bricks could not be asked anew when those of others were, in words; null when they were.</summary>
    public string? Problem { get; init; }

    /// <summary>Nodes of its bricks that are none of the cluster's.</summary>
    public IReadOnlyList<string> Strangers { get; init; } = [];

    /// <summary>What of the volume could not be read, in words; null when all was. Then nothing is known of its sets.</summary>
    public string? Unread { get; init; }
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
