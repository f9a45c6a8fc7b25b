namespace StorageHost.Hosting;

/// <summary>Finds what somebody meant who has mistyped a name.</summary>
internal static class Nearest
{
    /// <summary>
    /// The candidates that differ least from a text, whatever the letter case: several when they differ equally, none when all differ a
    /// lot.
    /// </summary>
    public static IReadOnlyList<string> To(string text, IEnumerable<string> candidates) => To(text, candidates, candidate => candidate);

    /// <summary>The same, comparing a part of each candidate.</summary>
    public static IReadOnlyList<string> To(string text, IEnumerable<string> candidates, Func<string, string> part)
    {
        var near = candidates.Select(candidate => (candidate, Edits: Edits(text.ToUpperInvariant(), part(candidate).ToUpperInvariant())))
            .Where(each => each.Edits <= Most(text)).ToList();
        return near.Count == 0 ? [] : [.. near.Where(each => each.Edits == near.Min(other => other.Edits)).Select(each => each.candidate)];
    }

    /// <summary>One slip of the finger in a short word, three in a long one.</summary>
    private static int Most(string text) => Math.Min(3, Math.Max(1, text.Length / 4));

    /// <summary>How many letters must be added, removed, replaced, or swapped with their neighbour (optimal string alignment).</summary>
    private static int Edits(string from, string to)
    {
        var edits = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                edits[i, j] = i == 0 || j == 0 ? i + j : Math.Min(
                    Math.Min(edits[i - 1, j], edits[i, j - 1]) + 1,
                    edits[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    edits[i, j] = Math.Min(edits[i, j], edits[i - 2, j - 2] + 1);
                }
            }
        }

        return edits[from.Length, to.Length];
    }
}
