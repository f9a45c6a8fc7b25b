using System.Globalization;
using StorageHost.Images.Ports;

namespace StorageHost.ImageStorages;

/// <summary>The state of a volume, with its words for an operator.</summary>
internal readonly record struct Health(VolumeStatus Status, string Message)
{
    public static Health Fine { get; } = new(VolumeStatus.Ok, "");
}

/// <summary>Judges volumes: one rule for each thing that can be wrong, the worst of them first in the message.</summary>
internal sealed class VolumeHealth(IVolumePolicy policy)
{
    private const int Named = 3;

    /// <summary>Judges a directory that is served, whatever it lies on.</summary>
    public Health OfDirectory(Facts<DirectoryFacts> facts) => facts switch
    {
        { Problem: { } problem } => new Health(VolumeStatus.Broken, problem + AsOf(facts.TakenAt)),
        { Value: null } => new Health(VolumeStatus.Unknown, "the directory was not read yet"),
        { Value: { } directory } => Worst([
            OfWriting(directory), OfSpace(directory.FreeBytes, directory.TotalBytes), OfRefused(directory),
            OfMultiLinked(directory.MultiLinked)]),
    };

    /// <summary>Judges a Gluster volume by what the cluster says of it.</summary>
    public Health OfGluster(GlusterVolume volume, Facts<GlusterCluster> facts)
    {
        var troubled = facts.Value!.Nodes.Where(node => !node.IsAsked && volume.Bricks.Any(node.Has)).ToArray();
        var known = Worst([
            OfState(volume),
            .. OfSets(volume, troubled),
            OfSplitBrain(volume),
            .. OfNodes(volume, troubled),
            OfHealing(volume),
            .. OfKnowledge(volume, facts.Value.Nodes.Count > 0)]);
        return facts.Problem is { } problem ? Combine([known, new Health(known.Status, problem + AsOf(facts.TakenAt))]) : known;
    }

    /// <summary>The worst status of several, and the messages of all that are not well, the worst first.</summary>
    public static Health Worst(IReadOnlyCollection<Health> judgements) =>
        Combine([.. judgements.OrderByDescending(judgement => judgement.Status)]);

    private static Health Combine(IReadOnlyList<Health> judgements) => new(
        judgements.Max(judgement => judgement.Status),
        string.Join("; ", judgements.Select(judgement => judgement.Message).Where(message => message.Length > 0)));

    private static string AsOf(DateTimeOffset? takenAt) =>
        takenAt is { } at
            ? string.Create(CultureInfo.InvariantCulture, $" (what is shown is of {at.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ})")
            : "";

    private static Health OfState(GlusterVolume volume) =>
        volume.IsStarted ? Health.Fine : new Health(VolumeStatus.Broken, "the volume is stopped");

    private static IEnumerable<Health> OfSets(GlusterVolume volume, GlusterNode[] troubled)
    {
        if (!volume.IsStarted)
        {
            yield break;
        }

        foreach (var set in volume.Bricks.Chunk(Math.Max(1, volume.SetSize)))
        {
            var down = set.Where(brick => brick.IsOnline == false).ToArray();
            var unasked = set.Except(down).Where(IsUnasked).ToArray();
            if (down.Length + unasked.Length > 0)
            {
                string[] parts = [.. down.Length > 0 ? [$"{Name(down)} {(down.Length == 1 ? "is" : "are")} down"] : Array.Empty<string>(),
                    .. unasked.Length > 0 ? [$"{Name(unasked)} could not be asked"] : Array.Empty<string>()];
                var (isLost, mayBeLost) = (IsLost(volume, set, down), IsLost(volume, set, [.. down, .. unasked]));
                yield return new Health(
                    mayBeLost ? VolumeStatus.Broken : VolumeStatus.Degraded,
                    string.Join(" and ", parts) + (isLost ? volume.SetSize > 1 ? ": quorum is lost" : ": its files cannot be reached"
                        : mayBeLost ? volume.SetSize > 1 ? ": too few are known to be up for quorum" : ": its files may be out of reach"
                        : ""));
            }
        }

        // A node that cannot be asked tells nothing of its bricks, and what was known of them is no longer so.
        bool IsUnasked(GlusterBrick brick) =>
            (brick.IsOnline is null && volume.BricksTakenAt is not null) || troubled.Any(node => node.Has(brick));
    }

    private static bool IsLost(GlusterVolume volume, GlusterBrick[] set, GlusterBrick[] away)
    {
        var up = set.Length - away.Length;
        return up < volume.NeededInSet || (volume.FirstBrickBreaksTie && up == volume.NeededInSet && away.Contains(set[0]));
    }

    private static string Name(GlusterBrick[] bricks) =>
        $"{(bricks.Length == 1 ? "brick" : "bricks")} {Few([.. bricks.Select(brick => brick.ToString())])}";

    private static string Few(string[] names) =>
        $"{string.Join(", ", names.Take(Named))}{(names.Length > Named ? $" and {names.Length - Named} more" : "")}";

    private static Health OfSplitBrain(GlusterVolume volume) => volume.SplitBrain > 0
        ? new Health(VolumeStatus.Broken, $"{volume.SplitBrain} entries are in split-brain{AsOf(volume.HealsOfEarlier)}")
        : Health.Fine;

    private static Health OfHealing(GlusterVolume volume) => volume.HealPending > 0
        ? new Health(VolumeStatus.Degraded, $"{volume.HealPending} entries wait to be healed{AsOf(volume.HealsOfEarlier)}")
        : Health.Fine;

    private static IEnumerable<Health> OfNodes(GlusterVolume volume, GlusterNode[] troubled)
    {
        string[] gone = [.. troubled.Where(node => !node.IsConnected).Select(node => node.Name)];
        if (gone.Length > 0)
        {
            yield return new Health(VolumeStatus.Degraded, $"node {Few(gone)} is not reached");
        }

        foreach (var node in troubled.Where(node => node.Standing.Length > 0).Take(Named))
        {
            yield return new Health(VolumeStatus.Degraded, node.IsRejected
                ? $"peer {node.Name} is rejected, a volume's checksum differs between it and this node: see 'gluster peer status'"
                : $"peer {node.Name} is not in the cluster ({node.Standing}): see 'gluster peer status'");
        }

        if (volume.Strangers.Count > 0)
        {
            yield return new Health(
                VolumeStatus.Degraded, $"node {Few([.. volume.Strangers])} is no peer of this node: see 'gluster peer status'");
        }
    }

    private static IEnumerable<Health> OfKnowledge(GlusterVolume volume, bool areNodesKnown)
    {
        if (!areNodesKnown)
        {
            yield return new Health(VolumeStatus.Unknown, "the nodes of the cluster are not known");
        }

        if (volume.Unread is { } unread)
        {
            yield return new Health(VolumeStatus.Unknown, $"what gluster says of the volume cannot be read: {unread}");
        }

        if (volume.IsStarted && volume.BricksTakenAt is null)
        {
            yield return new Health(
                VolumeStatus.Unknown, $"its bricks could not be asked{(volume.Problem is { } problem ? $": {problem}" : "")}");
        }
        else if (volume.Problem is { } problem)
        {
            yield return new Health(VolumeStatus.Ok, problem + AsOf(volume.BricksTakenAt));
        }
    }

    private static Health OfWriting(DirectoryFacts directory) =>
        directory.Unwritable is { } fault ? new Health(VolumeStatus.Broken, fault) : Health.Fine;

    private static Health OfRefused(DirectoryFacts directory) =>
        directory.Refused is { } refused ? new Health(VolumeStatus.Degraded, refused) : Health.Fine;

    private static Health OfMultiLinked(IReadOnlyList<string> disks) => disks.Count == 0
        ? Health.Fine
        : new Health(
            VolumeStatus.Degraded, $"{(disks.Count == 1 ? "disk" : "disks")} with a second name on the same file: {Few([.. disks])}");

    private Health OfSpace(long free, long total) => free < total / 100 * policy.ReservePercent
        ? new Health(VolumeStatus.Degraded, string.Create(
            CultureInfo.InvariantCulture,
            $"{free >> 20} MB are free, less than the reserve of {policy.ReservePercent} % "
            + $"({(total / 100 * policy.ReservePercent) >> 20} MB)"))
        : Health.Fine;
}
