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
    private readonly Dictionary<string, (string Problem, DateTimeOffset At)> missesByVolume = new(StringComparer.Ordinal);
    private IReadOnlyList<Peer> peers = [];
    private DateTimeOffset? peersTakenAt;
    private DateTimeOffset? volumesTakenAt;

    /// <summary>What the volumes have to heal.</summary>
    public HealState Heals { get; } = new();

    /// <summary>
    /// The started volumes. Those that could not be asked come last, and of them first the one that was tried the longest ago.
    /// </summary>
    public IReadOnlyList<VolumeLayout> Started =>
        [.. Volumes.Where(volume => volume.IsStarted).OrderBy(volume => missesByVolume.GetValueOrDefault(volume.Name).At)];

    private IReadOnlyList<VolumeLayout> Volumes { get; set; } = [];

    /// <summary>Takes in what the cluster is made of.</summary>
    public void Learn(IReadOnlyList<Peer> nodes, IReadOnlyList<VolumeLayout> volumes, DateTimeOffset now)
    {
        Learn(nodes, now);
        Learn(volumes, now);
    }

    /// <summary>Takes in which nodes there are.</summary>
    public void Learn(IReadOnlyList<Peer> nodes, DateTimeOffset now) => (peers, peersTakenAt) = (nodes, now);

    /// <summary>Takes in which volumes there are.</summary>
    public void Learn(IReadOnlyList<VolumeLayout> volumes, DateTimeOffset now)
    {
        (Volumes, volumesTakenAt) = (volumes, now);
        var started = volumes.Where(volume => volume.IsStarted).Select(volume => volume.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in bricksByVolume.Keys.Concat(missesByVolume.Keys).Except(started, StringComparer.Ordinal).ToList())
        {
            bricksByVolume.Remove(gone);
            missesByVolume.Remove(gone);
        }

        Heals.Keep(started);
    }

    /// <summary>Takes in how bricks are.</summary>
    public void Learn(IEnumerable<VolumeBricks> volumes, DateTimeOffset now)
    {
        var counts = Volumes.ToLookup(volume => volume.Name, volume => volume.Bricks.Count, StringComparer.Ordinal);
        foreach (var volume in volumes)
        {
            Heals.Watch(bricksByVolume.GetValueOrDefault(volume.Name).Bricks, volume, counts[volume.Name].FirstOrDefault());
            bricksByVolume[volume.Name] = (volume, now);
            missesByVolume.Remove(volume.Name);
        }
    }

    /// <summary>Takes in that the bricks of a volume could not be asked, and why.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="problem">Why, in words.</param>
    /// <param name="now">When it was tried; the beginning of time when it was not.</param>
    public void Miss(string volume, string problem, DateTimeOffset now) => missesByVolume[volume] = (problem, now);

    /// <summary>Takes in what a volume has to heal.</summary>
    public void Learn(VolumeLayout volume, HealCounts counts, DateTimeOffset now) => Heals.Learn(volume.Name, counts, now);

    /// <summary>
    /// The started volumes that are to be asked now what they have to heal; the one that was asked the longest ago comes first.
    /// </summary>
    /// <param name="served">The volumes that are mounted here and served.</param>
    public IReadOnlyList<VolumeLayout> HealsDue(IReadOnlySet<string> served) =>
        Heals.Due([.. Volumes.Where(volume => volume.IsStarted && volume.Heals)], served);

    /// <summary>All of it.</summary>
    /// <param name="problem">What could not be learnt anew, in words.</param>
    public Facts<GlusterCluster> ToFacts(string? problem)
    {
        var names = Volumes.SelectMany(volume => volume.Bricks).Where(brick => brick.NodeUuid.Length > 0)
            .GroupBy(brick => brick.NodeUuid, brick => brick.Node, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Distinct(StringComparer.Ordinal).ToList(), StringComparer.Ordinal);
        var unasked = peers.Where(peer => !peer.IsAsked).Select(peer => peer.Uuid).ToHashSet(StringComparer.Ordinal);
        var known = bricksByVolume.Values.Select(bricks => (DateTimeOffset?)bricks.TakenAt);
        return new(
            new GlusterCluster([.. peers.Select(peer => Node(peer, names))], [.. Volumes.Select(volume => Volume(volume, unasked))]),
            known.Append(peersTakenAt).Append(volumesTakenAt).Min(),
            problem);
    }

    /// <summary>By the name that the bricks use: a node may have been probed by another one, and calls itself localhost.</summary>
    private GlusterNode Node(Peer peer, Dictionary<string, List<string>> names)
    {
        var own = peer.Hostname == Peer.Localhost ? ownName : peer.Hostname;
        var others = names.GetValueOrDefault(peer.Uuid, []);
        return new GlusterNode(others.FirstOrDefault(own), peer.IsConnected)
        {
            IsRejected = peer.IsRejected,
            Names = [.. others, own],
            Standing = peer.Standing,
        };
    }

    private GlusterVolume Volume(VolumeLayout volume, HashSet<string> unasked)
    {
        var (bricks, takenAt) = bricksByVolume.GetValueOrDefault(volume.Name);
        var byPath = bricks?.Bricks.ToLookup(state => state.Path, StringComparer.Ordinal);
        var states = volume.Bricks.Select(brick => byPath is null ? null : StateOf(brick, byPath)).ToList();
        var heals = Heals.Of(volume.Name);
        var quorum = Quorum.Of(volume);
        return new GlusterVolume(
            volume.Name,
            volume.Type,
            volume.Configuration,
            volume.Transport,
            volume.IsStarted,
            [.. volume.Bricks.Zip(
                states, (brick, state) => new GlusterBrick(brick.Node, brick.Path, IsOnline(brick, state), brick.IsArbiter))],
            volume.SetSize,
            quorum.Needed,
            heals.Counts.Pending,
            heals.Counts.SplitBrain,
            BrickSpace.Of(volume, states, state => state.TotalBytes),
            BrickSpace.Of(volume, states, state => state.FreeBytes))
        {
            BricksTakenAt = bricks is null ? null : takenAt,
            FirstBrickBreaksTie = quorum.FirstBreaksTie,
            HealsOfEarlier = heals.IsOfEarlier ? heals.CountedAt : null,
            Problem = missesByVolume.GetValueOrDefault(volume.Name).Problem,
            Strangers = [.. volume.Bricks.Where(IsStrange).Select(brick => brick.Node).Distinct(StringComparer.Ordinal)],
            Unread = volume.Unread,
        };

        // A node that cannot be asked tells nothing of its bricks, and what was known of them before is no longer so.
        bool? IsOnline(BrickPlace brick, BrickState? state) =>
            !volume.IsStarted ? false : state?.IsOnline == true && unasked.Contains(brick.NodeUuid) ? null : state?.IsOnline;
    }

    /// <summary>Of two answers for one brick the worse.</summary>
    private static BrickState? StateOf(BrickPlace brick, ILookup<string, BrickState> byPath) =>
        byPath[brick.Path].Where(brick.Has).OrderBy(state => state.IsOnline == true).FirstOrDefault();

    private bool IsStrange(BrickPlace brick) =>
        brick.NodeUuid.Length > 0 && peers.Count > 0 && peers.All(peer => peer.Uuid.Length > 0 && peer.Uuid != brick.NodeUuid);
}
