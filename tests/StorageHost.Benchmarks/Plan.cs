using System.Globalization;

namespace StorageHost.Benchmarks;

/// <summary>What the command line asks for.</summary>
/// <param name="Parts">The names of the parts to run.</param>
/// <param name="Rounds">How often everything is measured.</param>
/// <param name="IsFull">Whether with the sizes and counts of the figures to reach; else with small ones, which take minutes.</param>
/// <param name="Settings">More settings for the daemon, as it takes them on its own command line.</param>
internal sealed record Plan(IReadOnlyList<string> Parts, int Rounds, bool IsFull, IReadOnlyList<string> Settings)
{
    private const int FullRounds = 5;
    private const int FewRounds = 2;

    /// <summary>Whether the figures may stand in the documentation: enough rounds, full sizes, nothing set otherwise.</summary>
    public bool IsPlain => IsFull && Rounds >= FullRounds && Settings.Count == 0;

    /// <summary>Reads <c>[part…] [--full] [--rounds N] [--set Section:Key=Value]…</c>.</summary>
    /// <exception cref="FormatException">Something else stands there.</exception>
    public static Plan Parse(IEnumerable<string> arguments, IReadOnlyList<string> known)
    {
        var (parts, settings, full) = (new List<string>(), new List<string>(), false);
        int? rounds = null;
        var words = new Queue<string>(arguments);
        while (words.TryDequeue(out var word))
        {
            switch (word)
            {
                case "--full":
                    full = true;
                    break;
                case "--rounds" when words.TryDequeue(out var count):
                    rounds = int.Parse(count, CultureInfo.InvariantCulture);
                    break;
                case "--set" when words.TryDequeue(out var setting):
                    settings.Add($"--{setting}");
                    break;
                default:
                    parts.Add(known.Contains(word, StringComparer.Ordinal) ? word : throw new FormatException($"{word} is none of: {string.Join(' ', known)} --full --rounds --set"));
                    break;
            }
        }

        return new Plan(parts is [] ? known : parts, rounds ?? (full ? FullRounds : FewRounds), full, settings);
    }
}
