using System.Globalization;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>How hard and how long to torture: the one place that reads <c>TORTURE_SEED</c> and <c>TORTURE_SCALE</c>.</summary>
internal static class TortureSettings
{
    private const int Full = 10;

    /// <summary>1 for the fast part, which runs with every build; 10 for the counts that are to be reached, or any number above 1 for a part of them.</summary>
    public static int Scale { get; } = Number("TORTURE_SCALE") ?? 1;

    /// <summary>In the long part no point is left out.</summary>
    public static bool IsLong => Scale > 1;

    /// <summary>What every random choice begins with.</summary>
    public static int Seed { get; } = Number("TORTURE_SEED") ?? Random.Shared.Next();

    /// <summary>How often to do something.</summary>
    /// <param name="fast">In the fast part.</param>
    /// <param name="full">In the long part at full scale.</param>
    public static int Count(int fast, int full) => IsLong ? Math.Max(fast, full * Scale / Full) : fast;

    /// <summary>The random choices of one test, which are the same again with the same seed.</summary>
    public static Random Begin(ITestOutputHelper output, string test)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"TORTURE_SEED={Seed} TORTURE_SCALE={Scale}"));
        return new Random(test.Aggregate(Seed, (seed, letter) => unchecked((seed * 31) + letter)));
    }

    private static int? Number(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
}
