using System.Globalization;

namespace StorageHost.Benchmarks.Measuring;

/// <summary>What was measured of one thing, round by round.</summary>
/// <param name="Name">Of what.</param>
/// <param name="Unit">Of every value: ms, MB, /s…</param>
internal sealed record Series(string Name, string Unit = "ms")
{
    /// <summary>The values of each round.</summary>
    public List<double[]> Rounds { get; init; } = [];

    /// <summary>The median over the rounds of each round's median.</summary>
    public double Median => Percentile([.. Rounds.Select(round => Percentile(round, 50))], 50);

    /// <summary>The least and the greatest median of a round.</summary>
    public (double Least, double Most) Spread => (Rounds.Min(round => Percentile(round, 50)), Rounds.Max(round => Percentile(round, 50)));

    /// <summary>Of all rounds' values together, the one that so many percent of them do not exceed.</summary>
    public double Tail(double percent = 99) => Percentile([.. Rounds.SelectMany(round => round)], percent);

    public void Add(params double[] round) => Rounds.Add(round);

    /// <summary>A value with its unit, to three digits.</summary>
    public static string Show(double value, string unit)
    {
        var digits = value == 0 ? 0 : Math.Clamp(2 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 3);
        return $"{Math.Round(value, digits).ToString($"N{digits}", CultureInfo.InvariantCulture)} {unit}".TrimEnd();
    }

    public string Show() => Show(Median, Unit);

    private static double Percentile(double[] values, double percent)
    {
        var sorted = values.Order().ToArray();
        var rank = percent / 100 * (sorted.Length - 1);
        var below = sorted[(int)Math.Floor(rank)];
        return below + ((sorted[(int)Math.Ceiling(rank)] - below) * (rank - Math.Floor(rank)));
    }
}
