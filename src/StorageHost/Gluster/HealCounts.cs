namespace StorageHost.Gluster;

/// <summary>Entries of a volume that need healing; null what nobody could tell.</summary>
internal readonly record struct HealCounts(int? Pending, int? SplitBrain)
{
    /// <summary>
    /// Every good brick of a set lists what the others lack, so the longest list of a set stands for it; the lists of different sets add
    /// up.
    /// </summary>
    public static HealCounts Of(VolumeLayout volume, IEnumerable<BrickHeal> heals)
    {
        var byBrick = heals.ToLookup(heal => heal.Brick, StringComparer.Ordinal);
        var sets = volume.Bricks.Chunk(volume.SetSize)
            .Select(set => set.SelectMany(brick => byBrick[$"{brick.Node}:{brick.Path}"]).ToList())
            .ToList();
        return new(Sum(sets.Select(set => set.Max(heal => (int?)heal.Pending))), Sum(sets.Select(set => set.Max(heal => heal.SplitBrain))));
    }

    private static int? Sum(IEnumerable<int?> counts)
    {
        var known = counts.OfType<int>().ToList();
        return known.Count == 0 ? null : (int)Math.Min(known.Sum(count => (long)count), int.MaxValue);
    }
}
