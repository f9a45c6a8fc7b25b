using System.Globalization;
using StorageHost.Images;

namespace StorageHost.ImageStorages;

/// <summary>The state of a volume, with its words for an operator.</summary>
internal readonly record struct Health(VolumeStatus Status, string Message)
{
    public static Health Fine { get; } = new(VolumeStatus.Ok, "");
}

/// <summary>Judges volumes: one rule for each thing that can be wrong, the worst of them first in the message.</summary>
internal sealed class VolumeHealth(IVolumePolicy policy)
{
    private const int NamedBricks = 3;
    private const int NamedDisks = 5;

    /// <summary>Judges a directory that is served, whatever it lies on.</summary>
    public Health OfDirectory(Facts<DirectoryFacts> facts) => facts switch
    {
        { Problem: { } problem } => new Health(VolumeStatus.Broken, problem + AsOf(facts.TakenAt)),
        { Value: null } => new Health(VolumeStatus.Unknown, "the directory was not read yet"),
        { Value: { } directory } => Worst([OfSpace(directory.FreeBytes, directory.TotalBytes), OfMultiLinked(directory.MultiLinked)]),
    };

    /// <summary>Judges a Gluster volume by what the cluster says of it.</summary>
    public Health OfGluster(GlusterVolume volume, Facts<GlusterCluster> facts)
    {
        var known = Worst([OfState(volume), .. OfSets(volume, facts.Value!.Nodes), OfSplitBrain(volume), OfNodes(volume, facts.Value.Nodes), OfHealing(volume), OfKnowledge(volume)]);
        return facts.Problem is { } problem ? Combine([known, new Health(known.Status, problem + AsOf(facts.TakenAt))]) : known;
    }

    /// <summary>The worst status of several, and the messages of all that are not well, the worst first.</summary>
    public static Health Worst(IReadOnlyCollection<Health> judgements) => Combine([.. judgements.OrderByDescending(judgement => judgement.Status)]);

    private static Health Combine(IReadOnlyList<Health> judgements) => new(
        judgements.Max(judgement => judgement.Status),
        string.Join("; ", judgements.Select(judgement => judgement.Message).Where(message => message.Length > 0)));

    private static string AsOf(DateTimeOffset? takenAt) =>
        takenAt is { } at ? string.Create(CultureInfo.InvariantCulture, $" (what is shown is of {at.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ})") : "";

    private static Health OfState(GlusterVolume volume) => volume.IsStarted ? Health.Fine : new Health(VolumeStatus.Broken, "the volume is stopped");

    private static IEnumerable<Health> OfSets(GlusterVolume volume, IReadOnlyList<GlusterNode> nodes)
    {
        // A node that is gone tells nothing of its bricks; nor does it serve them.
        var gone = nodes.Where(node => !node.IsConnected).Select(node => node.Name).ToHashSet(StringComparer.Ordinal);
        if (!volume.IsStarted)
        {
            yield break;
        }

        foreach (var set in volume.Bricks.Chunk(Math.Max(1, volume.SetSize)))
        {
            var down = set.Where(brick => !(brick.IsOnline ?? !gone.Contains(brick.Node))).ToArray();
            if (down.Length > 0)
            {
                var up = set.Length - down.Length;
                var lost = up < volume.NeededInSet || (volume.FirstBrickBreaksTie && up == volume.NeededInSet && down.Contains(set[0]));
                yield return new Health(
                    lost ? VolumeStatus.Broken : VolumeStatus.Degraded,
                    $"{Name(down)} {(down.Length == 1 ? "is" : "are")} down{(lost ? volume.SetSize > 1 ? ": quorum is lost" : ": its files cannot be reached" : "")}");
            }
        }
    }

    private static string Name(GlusterBrick[] bricks) =>
        $"{(bricks.Length == 1 ? "brick" : "bricks")} {string.Join(", ", bricks.Take(NamedBricks))}{(bricks.Length > NamedBricks ? $" and {bricks.Length - NamedBricks} more" : "")}";

    private static Health OfSplitBrain(GlusterVolume volume) =>
        volume.SplitBrain > 0 ? new Health(VolumeStatus.Broken, $"{volume.SplitBrain} entries are in split-brain") : Health.Fine;

    private static Health OfHealing(GlusterVolume volume) =>
        volume.HealPending > 0 ? new Health(VolumeStatus.Degraded, $"{volume.HealPending} entries wait to be healed") : Health.Fine;

    private static Health OfNodes(GlusterVolume volume, IReadOnlyList<GlusterNode> nodes)
    {
        var gone = nodes.Where(node => !node.IsConnected && volume.Bricks.Any(brick => brick.Node == node.Name)).Select(node => node.Name).ToArray();
        return gone.Length == 0 ? Health.Fine : new Health(VolumeStatus.Degraded, $"node {string.Join(", ", gone)} is not reached");
    }

    private static Health OfKnowledge(GlusterVolume volume) => volume.IsStarted && volume.Bricks.All(brick => brick.IsOnline is null)
        ? new Health(VolumeStatus.Unknown, "its bricks could not be asked")
        : Health.Fine;

    private static Health OfMultiLinked(IReadOnlyList<string> disks) => disks.Count == 0 ? Health.Fine : new Health(
        VolumeStatus.Degraded,
        $"{(disks.Count == 1 ? "disk" : "disks")} with a second name on the same file: {string.Join(", ", disks.Take(NamedDisks))}{(disks.Count > NamedDisks ? $" and {disks.Count - NamedDisks} more" : "")}");

    private Health OfSpace(long free, long total) => free < total / 100 * policy.ReservePercent
        ? new Health(VolumeStatus.Degraded, string.Create(
            CultureInfo.InvariantCulture, $"{free >> 20} MB are free, less than the reserve of {policy.ReservePercent} % ({(total / 100 * policy.ReservePercent) >> 20} MB)"))
        : Health.Fine;
}
