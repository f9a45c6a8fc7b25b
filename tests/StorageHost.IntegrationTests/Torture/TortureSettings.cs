using System.Globalization;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>How hard and how long to torture: the one place that reads <c>TORTURE_SEED</c> and <c>TORTURE_SCALE</c>.</summary>
internal static class TortureSettings
{
    /// <summary>1 for the fast part, which runs with every build; above, the long part: counts are multiplied by it and no point is left out.</summary>
    public static int Scale { get; } = Number("TORTURE_SCALE") ?? 1;

    public static bool IsLong => Scale > 1;

    /// <summary>What every random choice begins with.</summary>
    public static int Seed { get; } = Number("TORTURE_SEED") ?? Random.Shared.Next();

    /// <summary>The random choices of one test, which are the same again with the same seed.</summary>
    public static Random Begin(ITestOutputHelper output, string test)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"TORTURE_SEED={Seed} TORTURE_SCALE={Scale}"));
        return new Random(test.Aggregate(Seed, (seed, letter) => unchecked((seed * 31) + letter)));
    }

    private static int? Number(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
}
