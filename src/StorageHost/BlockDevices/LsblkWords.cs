namespace StorageHost.BlockDevices;

/// <summary>Makes what lsblk and disks say fit for a line of the log and for an answer.</summary>
internal static class LsblkWords
{
    private const string Prefix = "lsblk: ";
    private const int Lines = 3;
    private const int Length = 300;

    /// <summary>What it wrote to standard error, on one line; empty when it wrote nothing.</summary>
    public static string Of(string error) => Cut(
        string.Join("; ", error.Split('\n').Select(Clean).Select(WithoutPrefix).Where(line => line.Length > 0)
            .Distinct(StringComparer.Ordinal).Take(Lines)),
        Length);

    /// <summary>The first words of an answer that cannot be read.</summary>
    public static string Beginning(string output) => Clean(output) is { Length: > 0 } text ? $"'{Cut(text, Length / 4)}'" : "nothing";

    /// <summary>Without blanks around it, and without control characters.</summary>
    public static string Clean(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character)).Trim();

    private static string WithoutPrefix(string line) => line.StartsWith(Prefix, StringComparison.Ordinal) ? line[Prefix.Length..] : line;

    private static string Cut(string text, int length) => text.Length <= length ? text : $"{text[..length]}…";
}
