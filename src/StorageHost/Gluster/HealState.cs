namespace StorageHost.Gluster;

/// <summary>
/// What the volumes have to heal, and which of them are to be asked. The question is dear: each starts a client of the volume, which asks
/// all of its bricks.
/// </summary>
internal sealed class HealState
{
    /// <summary>A volume that gives no sign has its turn once in so many looks: half an hour with the default interval.</summary>
    private const int LooksInRound = 120;

    private readonly Dictionary<string, Known> byVolume = new(StringComparer.Ordinal);
    private readonly HashSet<string> unsettled = new(StringComparer.Ordinal);

    /// <summary>What is known of a volume.</summary>
    public Known Of(string volume) => byVolume.GetValueOrDefault(volume);

    /// <summary>Forgets all volumes but these.</summary>
    public void Keep(IReadOnlySet<string> volumes)
    {
        foreach (var gone in byVolume.Keys.Where(name => !volumes.Contains(name)).ToList())
        {
            byVolume.Remove(gone);
        }

        unsettled.IntersectWith(volumes);
    }

    /// <summary>A brick that is away, was away or was started again may lack what was written meanwhile.</summary>
    /// <param name="before">What was known of the bricks.</param>
    /// <param name="now">What is known now.</param>
    /// <param name="bricks">How many there are; those that could not be asked are in neither.</param>
    public void Watch(VolumeBricks? before, VolumeBricks now, int bricks)
    {
        var processes = before?.Bricks.ToLookup(brick => (brick.NodeUuid, brick.Node, brick.Path), brick => brick.ProcessId);
        if (now.Bricks.Count < bricks
            || now.Bricks.Any(brick => brick.IsOnline != true)
            || (processes is not null && now.Bricks.Any(IsNew)))
        {
            unsettled.Add(now.Name);
        }

        bool IsNew(BrickState brick) =>
            !processes[(brick.NodeUuid, brick.Node, brick.Path)].Contains(brick.ProcessId, StringComparer.Ordinal);
    }

    /// <summary>Takes in what a volume has to heal. What could not be counted stays as it was: unknown is not zero.</summary>
    public void Learn(string volume, HealCounts counts, DateTimeOffset now)
    {
        var before = Of(volume);
        if (counts.Pending is null)
        {
            byVolume[volume] = before with { AskedAt = now };
            return;
        }

        byVolume[volume] = new Known(counts with { SplitBrain = counts.SplitBrain ?? before.Counts.SplitBrain }, now, now);
        unsettled.Remove(volume);
    }

    /// <summary>
    /// Those that are served, were never counted, gave a sign, or whose turn it is; the one that was asked the longest ago first.
    /// </summary>
    public IReadOnlyList<VolumeLayout> Due(IReadOnlyList<VolumeLayout> volumes, IReadOnlySet<string> served)
    {
        var byAge = volumes.OrderBy(volume => Of(volume.Name).AskedAt)
            .ToLookup(volume => served.Contains(volume.Name) || IsCalledFor(volume.Name));
        var turns = byAge[false].Take(1 + (volumes.Count / LooksInRound));
        return [.. byAge[true].Concat(turns).OrderByDescending(volume => served.Contains(volume.Name))
            .ThenBy(volume => Of(volume.Name).AskedAt)];
    }

    private bool IsCalledFor(string volume) =>
        unsettled.Contains(volume) || Of(volume) is { AskedAt.Ticks: 0 } or { Counts.Pending: > 0 } or { Counts.SplitBrain: > 0 };

    /// <summary>What is known of a volume.</summary>
    /// <param name="Counts">What was last counted.</param>
    /// <param name="CountedAt">When.</param>
    /// <param name="AskedAt">When it was last asked.</param>
    internal readonly record struct Known(HealCounts Counts, DateTimeOffset CountedAt, DateTimeOffset AskedAt)
    {
        /// <summary>Whether it was counted once, and could not be when it was last asked.</summary>
        public bool IsOfEarlier => Counts.Pending is not null && AskedAt > CountedAt;
    }
}
