namespace StorageHost.Benchmarks.Measuring;

/// <summary>One line of the table: ours beside what it is compared with.</summary>
/// <param name="What">What is compared.</param>
/// <param name="Ours">Our value, with its unit.</param>
/// <param name="Other">The peer or the floor, by name, with its value.</param>
/// <param name="Ratio">Ours divided by the other; null when there is nothing to divide by.</param>
/// <param name="ToReach">The aim; empty when there is none.</param>
/// <param name="IsReached">Whether the aim is met; null when there is none.</param>
internal sealed record Figure(string What, string Ours, string Other, double? Ratio, string ToReach, bool? IsReached)
{
    /// <summary>Ours divided by another is to be at most, or at least, so much.</summary>
    public static Figure Compare(string what, double ours, string unit, string other, double against, double? atMost = null, double? atLeast = null)
    {
        var ratio = ours / against;
        return new Figure(
            what, Series.Show(ours, unit), $"{other}: {Series.Show(against, unit)}", ratio,
            atMost is not null ? $"≤ {atMost:0.0#}" : atLeast is not null ? $"≥ {atLeast:0.0#}" : "",
            atMost is null && atLeast is null ? null : ratio <= (atMost ?? double.MaxValue) && ratio >= (atLeast ?? 0));
    }

    /// <summary>Ours itself is to be at most so much, whatever others do.</summary>
    public static Figure Limit(string what, double ours, string unit, double atMost, string other = "", double? against = null) => new(
        what, Series.Show(ours, unit), against is { } value ? $"{other}: {Series.Show(value, unit)}" : other, ours / against, $"≤ {Series.Show(atMost, unit)}", ours <= atMost);
}
