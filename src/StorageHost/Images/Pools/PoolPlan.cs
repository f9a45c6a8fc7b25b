using StorageHost.Images.Ports;

namespace StorageHost.Images.Pools;

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

/// <summary>A pass that runs.</summary>
/// <param name="Step">What it does.</param>
/// <param name="CopiesLeft">How much it has still to write, in copies.</param>
internal readonly record struct PassState(PoolStep Step, double CopiesLeft);

/// <summary>The reconciler's decisions, free of time and storage.</summary>
internal static class PoolPlan
{
    /// <summary>As many copies are written from one reading; more would keep callers waiting for the whole of it.</summary>
    public const int MaxCopiesAtOnce = 8;

    /// <summary>Of a pass for the pool, a caller waits for no more than this much work, in copies; a pass of its own costs one.</summary>
    private const double WorthWaitingFor = 1.5;

    /// <summary>Decides what to do for a pool.</summary>
    /// <param name="wanted">The level.</param>
    /// <param name="ready">Ready copies that this daemon could delete.</param>
    /// <param name="total">All ready copies on the volume.</param>
    /// <param name="waiting">Callers who wait for one.</param>
    /// <param name="pass">The pass that runs for this pool; null when none does.</param>
    /// <param name="resting">Whether the last pass failed so lately that the next should wait.</param>
    /// <returns>The step, and for how many copies.</returns>
    public static (PoolStep Step, int Copies) Next(int wanted, int ready, int total, int waiting, PassState? pass, bool resting) =>
        pass is { } running
            ? (IsWasted(running, wanted, total, waiting) ? PoolStep.Stop : PoolStep.Rest, 0)
            : waiting > 0 ? (PoolStep.Serve, Math.Min(waiting, MaxCopiesAtOnce))
            : total > wanted && ready > 0 && !resting ? (PoolStep.Trim, Math.Min(ready, total - wanted))
            : total < wanted && !resting ? (PoolStep.Fill, Math.Min(wanted - total, MaxCopiesAtOnce))
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

    /// <summary>How many bytes must stay free.</summary>
    public static long Reserve(VolumeSpace space, int percent) => space.TotalBytes / 100 * percent;

    // Either nobody needs its copies any more, or it makes many for the pool while a caller waits who could have one sooner.
    private static bool IsWasted(PassState pass, int wanted, int total, int waiting) =>
        pass.Step != PoolStep.Trim && waiting == 0 ? total >= wanted : pass.Step == PoolStep.Fill && pass.CopiesLeft > WorthWaitingFor;
}
