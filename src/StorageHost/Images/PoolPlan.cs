namespace StorageHost.Images;

/// <summary>What a pool needs next.</summary>
internal enum PoolStep
{
    /// <summary>Nothing, or to let the pass that runs go on.</summary>
    Rest,

    /// <summary>To stop the pass that runs: nobody needs its copies any more.</summary>
    Stop,

    /// <summary>Copies for callers who wait.</summary>
    Serve,

    /// <summary>Copies for the pool.</summary>
    Fill,

    /// <summary>To delete copies above the level.</summary>
    Trim,
}

/// <summary>The reconciler's decisions, free of time and storage.</summary>
internal static class PoolPlan
{
    /// <summary>As many copies are written from one reading; more would keep callers waiting for the whole of it.</summary>
    public const int MaxCopiesAtOnce = 8;

    /// <summary>Decides what to do for a pool.</summary>
    /// <param name="wanted">The level.</param>
    /// <param name="ready">Ready copies.</param>
    /// <param name="waiting">Callers who wait for one.</param>
    /// <param name="busy">Whether a pass runs for this pool.</param>
    /// <param name="resting">Whether the last pass failed so lately that the next should wait.</param>
    /// <returns>The step, and for how many copies.</returns>
    public static (PoolStep Step, int Copies) Next(int wanted, int ready, int waiting, bool busy, bool resting) => busy
        ? (waiting == 0 && ready >= wanted ? PoolStep.Stop : PoolStep.Rest, 0)
        : waiting > 0 ? (PoolStep.Serve, Math.Min(waiting, MaxCopiesAtOnce))
        : ready > wanted && !resting ? (PoolStep.Trim, ready - wanted)
        : ready < wanted && !resting ? (PoolStep.Fill, Math.Min(wanted - ready, MaxCopiesAtOnce))
        : (PoolStep.Rest, 0);

    /// <summary>How many copies fit without touching the reserve.</summary>
    /// <param name="space">The room on the volume.</param>
    /// <param name="reservePercent">What must stay free, in percent of the volume.</param>
    /// <param name="promised">Bytes that passes which run will still take.</param>
    /// <param name="copyBytes">What one copy takes.</param>
    public static int Fitting(VolumeSpace space, int reservePercent, long promised, long copyBytes) =>
        (int)Math.Clamp((space.FreeBytes - Reserve(space, reservePercent) - promised) / Math.Max(copyBytes, 1), 0, int.MaxValue);

    /// <summary>How many bytes must be given back for the reserve to be whole; 0 when it is.</summary>
    public static long Deficit(VolumeSpace space, int reservePercent) => Math.Max(0, Reserve(space, reservePercent) - space.FreeBytes);

    private static long Reserve(VolumeSpace space, int percent) => space.TotalBytes / 100 * percent;
}
