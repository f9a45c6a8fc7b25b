using StorageHost.ImageStorages;

namespace StorageHost.Gluster;

/// <summary>
/// What was learnt of the cluster, and when. Nodes and volumes can be asked while a peer is sick, bricks cannot: what was last known of
/// them stays, and its age is the age of the whole.
/// </summary>
/// <param name="ownName">This node's name when no brick lies on it.</param>
internal sealed class ClusterState(string ownName)
{
    private readonly Dictionary<string, (VolumeBricks Bricks, DateTimeOffset TakenAt)> bricksByVolume = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (HealCounts Counts, DateTimeOffset TakenAt)> healsByVolume = new(StringComparer.Ordinal);
    private IReadOnlyList<Peer> peers = [];
    private DateTimeOffset takenAt;

    /// <summary>The started volumes.</summary>
    public IReadOnlyList<VolumeLayout> Started => [.. Volumes.Where(volume => volume.IsStarted)];

    /// <summary>The started volumes that heal; the one whose counts are the oldest comes first.</summary>
    public IReadOnlyList<VolumeLayout> Healing =>
        [.. Started.Where(volume => volume.Heals).OrderBy(volume => healsByVolume.GetValueOrDefault(volume.Name).TakenAt)];

    private IReadOnlyList<VolumeLayout> Volumes { get; set; } = [];

    /// <summary>Takes in what the cluster is made of.</summary>
    public void Learn(IReadOnlyList<Peer> nodes, IReadOnlyList<VolumeLayout> volumes, DateTimeOffset now)
    {
        (peers, Volumes, takenAt) = (nodes, volumes, now);
        var started = Started.Select(volume => volume.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in bricksByVolume.Keys.Concat(healsByVolume.Keys).Except(started, StringComparer.Ordinal).ToList())
        {
            bricksByVolume.Remove(gone);
            healsByVolume.Remove(gone);
        }
    }

    /// <summary>Takes in how bricks are.</summary>
    public void Learn(IEnumerable<VolumeBricks> volumes, DateTimeOffset now)
    {
        foreach (var volume in volumes)
        {
            bricksByVolume[volume.Name] = (volume, now);
        }
    }

    /// <summary>Takes in what a volume has to heal.</summary>
    public void Learn(VolumeLayout volume, HealCounts counts, DateTimeOffset now) => healsByVolume[volume.Name] = (counts, now);

    /// <summary>All of it.</summary>
    /// <param name="problem">What could not be learnt anew, in words.</param>
    public Facts<GlusterCluster> ToFacts(string? problem)
    {
        var oldest = Started.Select(volume => bricksByVolume.TryGetValue(volume.Name, out var known) ? known.TakenAt : takenAt).Append(takenAt).Min();
        return new(new GlusterCluster([.. peers.Select(Node)], [.. Volumes.Select(Volume)]), oldest, problem);
    }

    private GlusterNode Node(Peer peer) => new(NameOf(peer), peer.IsConnected);

    /// <summary>The name that the bricks use: a node may have been probed by another one, and calls itself localhost.</summary>
    private string NameOf(Peer peer) =>
        Volumes.SelectMany(volume => volume.Bricks).FirstOrDefault(brick => brick.NodeUuid == peer.Uuid)?.Node
        ?? (peer.Hostname == "localhost" ? ownName : peer.Hostname);

    private GlusterVolume Volume(VolumeLayout volume)
    {
        var known = bricksByVolume.GetValueOrDefault(volume.Name).Bricks?.Bricks.ToLookup(brick => (brick.NodeUuid, brick.Path));
        var states = volume.Bricks.Select(brick => known?[(brick.NodeUuid, brick.Path)].FirstOrDefault()).ToList();
        var heals = healsByVolume.GetValueOrDefault(volume.Name).Counts;
        var quorum = Quorum.Of(volume);
        return new GlusterVolume(
            volume.Name,
            volume.Type,
            volume.Configuration,
            volume.Transport,
            volume.IsStarted,
            [.. volume.Bricks.Zip(states, (brick, state) => new GlusterBrick(brick.Node, brick.Path, IsOnline(volume, state), brick.IsArbiter))],
            volume.SetSize,
            quorum.Needed,
            heals.Pending,
            heals.SplitBrain,
            BrickSpace.Of(volume, states, state => state.TotalBytes),
            BrickSpace.Of(volume, states, state => state.FreeBytes))
        {
            FirstBrickBreaksTie = quorum.FirstBreaksTie,
        };
    }

    private static bool? IsOnline(VolumeLayout volume, BrickState? state) => volume.IsStarted ? state?.IsOnline : false;
}
