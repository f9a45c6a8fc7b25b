namespace StorageHost.Gluster;

/// <summary>A volume as <c>gluster volume info</c> has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type as the CLI names it.</param>
/// <param name="Transport">Its transport as the CLI names it.</param>
/// <param name="IsStarted">Whether it is started.</param>
/// <param name="Kind">What its sets are.</param>
/// <param name="SetSize">Bricks in one set.</param>
/// <param name="ExtraInSet">Those of them that hold no data of their own: the arbiter of a replica set, the redundancy of a disperse set.</param>
/// <param name="Bricks">Its bricks; those of a set stand together.</param>
/// <param name="Options">The options that were set on it.</param>
internal sealed record VolumeLayout(
    string Name,
    string Type,
    string Transport,
    bool IsStarted,
    SetKind Kind,
    int SetSize,
    int ExtraInSet,
    IReadOnlyList<BrickPlace> Bricks,
    IReadOnlyDictionary<string, string> Options)
{
    /// <summary>As the CLI prints <c>Number of Bricks</c>, without the total.</summary>
    public string Configuration =>
        Kind == SetKind.Single ? $"{Bricks.Count}"
        : ExtraInSet > 0 ? $"{Bricks.Count / SetSize} x ({SetSize - ExtraInSet} + {ExtraInSet})"
        : $"{Bricks.Count / SetSize} x {SetSize}";

    /// <summary>Whether bricks that were away are healed.</summary>
    public bool Heals => Kind != SetKind.Single;
}

/// <summary>What the bricks of a set are to each other.</summary>
internal enum SetKind
{
    /// <summary>Each brick is alone.</summary>
    Single,

    /// <summary>Each has all the data.</summary>
    Replica,

    /// <summary>Each has a fragment of the data.</summary>
    Disperse,
}

/// <summary>Where a brick is.</summary>
/// <param name="Node">The node by the name that the volume was made with.</param>
/// <param name="Path">The directory.</param>
/// <param name="NodeUuid">The node's <see cref="Peer.Uuid"/>.</param>
/// <param name="IsArbiter">Whether it holds names only.</param>
internal sealed record BrickPlace(string Node, string Path, string NodeUuid, bool IsArbiter);
