namespace StorageHost.Benchmarks.Measuring;

/// <summary>What a part found.</summary>
/// <param name="Part">The part's name.</param>
/// <param name="Figures">The lines of the table.</param>
/// <param name="Series">Everything that was measured, for who wants to know more than the figures say.</param>
internal sealed record Result(string Part, IReadOnlyList<Figure> Figures, IReadOnlyList<Series> Series)
{
    /// <summary>When it was measured.</summary>
    public DateTimeOffset When { get; init; }

    /// <summary>The machine's load average of the last minute when it began: what is over 1 came from somebody else, or from the part before.</summary>
    public double Load { get; init; }
}
