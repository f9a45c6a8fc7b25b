namespace StorageHost.Images;

/// <summary>
/// Keeps lines of one kind from filling the log: some are written, and the rest of a minute is counted and told as a sum.
/// </summary>
/// <param name="most">How many are written of a kind before the rest is counted.</param>
/// <param name="tell">Tells how many of a kind were counted within a minute.</param>
/// <param name="time">The clock.</param>
/// <remarks>A minute without one ends the counting. A thousand kinds are remembered for that long; others are written each time.</remarks>
internal sealed class RepeatedLines<T>(int most, Action<T, long> tell, TimeProvider time)
    where T : notnull
{
    private const int MostKinds = 1000;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly Dictionary<T, (int Written, long Counted)> kinds = [];

    /// <summary>Whether this one is to be written; otherwise it is counted.</summary>
    public bool MayWrite(T kind)
    {
        lock (gate)
        {
            var isNew = !kinds.TryGetValue(kind, out var before);
            if (isNew && kinds.Count >= MostKinds)
            {
                return true;
            }

            var writes = before.Written < most;
            kinds[kind] = writes ? (before.Written + 1, before.Counted) : (before.Written, before.Counted + 1);
            if (isNew)
            {
                BeginSums(kind);
            }

            return writes;
        }
    }

    /// <summary>A sum is no request's own: it bears nobody's trace, and keeps nothing of a request alive.</summary>
    private void BeginSums(T kind)
    {
        if (ExecutionContext.IsFlowSuppressed())
        {
            _ = SumUpAsync(kind);
            return;
        }

        using (ExecutionContext.SuppressFlow())
        {
            _ = SumUpAsync(kind);
        }
    }

    private async Task SumUpAsync(T kind)
    {
        while (true)
        {
            await Task.Delay(Minute, time).ConfigureAwait(false);
            long counted;
            lock (gate)
            {
                counted = kinds[kind].Counted;
                if (counted == 0)
                {
                    kinds.Remove(kind);
                    return;
                }

                // What goes on was named already.
                kinds[kind] = (most, 0);
            }

            tell(kind, counted);
        }
    }
}
