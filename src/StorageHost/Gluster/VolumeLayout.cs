namespace StorageHost.Gluster;

/// <summary>A volume as <c>gluster volume info</c> has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type as the CLI names it.</param>
/// <param name="Transport">Its transport as the CLI names it.</param>
/// <param name="IsStarted">Whether it is started.</param>
/// <param name="Kind">What its sets are.</param>
/// <param name="SetSize">Bricks in one set.</param>
/// <param name="ExtraInSet">Those of them that hold no data of their own: the arbiter of a replica set, the redundancy of a disperse
/// set.</param>
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
    /// <summary>How many bricks, or sets of them, each file is cut over; 1 but for the striped volumes of Gluster before 6.</summary>
    public int Stripes { get; init; } = 1;

    /// <summary>
    /// What of it cannot be read, in words; null when all was. Its bricks are those that could be, and its sets are not known.
    /// </summary>
    public string? Unread { get; init; }

    /// <summary>As the CLI prints <c>Number of Bricks</c>, without the total; empty when it is not known.</summary>
    public string Configuration =>
        Unread is not null ? ""
        : Stripes > 1 ? $"{Bricks.Count / SetSize / Stripes} x {Stripes}{(SetSize > 1 ? $" x {SetSize}" : "")}"
        : Kind == SetKind.Single ? $"{Bricks.Count}"
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
/// <param name="NodeUuid">The node's <see cref="Peer.Uuid"/>; empty when it was not told.</param>
/// <param name="ArbiterIfTold">Whether it holds names only; null when it was not told.</param>
internal sealed record BrickPlace(string Node, string Path, string NodeUuid, bool? ArbiterIfTold)
{
    /// <summary>Whether it holds names only.</summary>
    public bool IsArbiter => ArbiterIfTold == true;

    /// <summary>Whether a state is this brick's: by the node's id where both have it, else by its name.</summary>
    public bool Has(BrickState state) =>
        state.Path == Path && (NodeUuid.Length > 0 && state.NodeUuid.Length > 0 ? state.NodeUuid == NodeUuid : state.Node == Node);
}
