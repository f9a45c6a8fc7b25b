namespace StorageHost.Benchmarks.Measuring;

/// <summary>What a part found.</summary>
/// <param name="Part">The part's name.</param>
/// <param name="Figures">The lines of the table.</param>
/// <param name="Series">Everything that was measured, for who wants to know more than the figures say.</param>
internal sealed record Result(string Part, IReadOnlyList<Figure> Figures, IReadOnlyList<Series> Series)
{
    /// <summary>When it was measured.</summary>
    public DateTimeOffset When { get; init; }

    /// <summary>How many rounds there were.</summary>
    public int Rounds { get; init; }

    /// <summary>The most memory that a daemon held meanwhile, in bytes; 0 when none was looked at.</summary>
    public long PeakRss { get; init; }
}
