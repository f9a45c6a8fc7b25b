namespace StorageHost.Gluster;

/// <summary>Adds up the space of a volume from that of its bricks.</summary>
internal static class BrickSpace
{
    /// <summary>
    /// Each set is as large as its smallest brick that holds data, times the bricks' worth of data in it. Bricks of the volume that share a
    /// file system share its space. It is what <c>df</c> of a mount shows, but for the hundredth that bricks keep in reserve.
    /// </summary>
    /// <returns>Null when there is a set of which nothing is known.</returns>
    public static long? Of(VolumeLayout volume, IReadOnlyList<BrickState?> states, Func<BrickState, long?> size)
    {
        var sharing = states.OfType<BrickState>().ToLookup(FileSystem);
        Int128 sum = 0;
        foreach (var set in volume.Bricks.Zip(states).Chunk(volume.SetSize))
        {
            var smallest = set.Where(pair => !pair.First.IsArbiter)
                .Min(pair => pair.Second is { } state ? size(state) / sharing[FileSystem(state)].Count() : null);
            if (smallest is null)
            {
                return null;
            }

            sum += (Int128)smallest.Value * (volume.Kind == SetKind.Disperse ? volume.SetSize - volume.ExtraInSet : 1);
        }

        return (long)Int128.Min(sum, long.MaxValue);
    }

    /// <summary>A brick whose device is not told shares with nobody.</summary>
    private static (string Node, string Device) FileSystem(BrickState state) =>
        (state.NodeUuid, state.Device.Length > 0 ? state.Device : state.Path);
}
