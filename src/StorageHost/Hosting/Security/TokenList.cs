using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace StorageHost.Hosting.Security;

/// <summary>A bearer token as it is kept: what it grants, and its hash.</summary>
internal sealed record TokenEntry(Grant Grant, byte[] Hash)
{
    public override string ToString() => $"{string.Join(',', Grant.Scopes)} sha256:{Convert.ToHexStringLower(Hash)} {Grant.Name}";
}

/// <summary>
/// The bearer tokens, one a line: <c>read,provision sha256:… name</c>. A token is 256 random bits, so that a plain hash is enough: there
/// is nothing to guess that a slow one would make slower.
/// </summary>
internal sealed partial class TokenList(IReadOnlyList<TokenEntry> entries)
{
    /// <summary>By which people and programs that look for leaked secrets know a token.</summary>
    public const string Prefix = "sth_";

    private const int LongestToken = 100;

    public static TokenList Empty { get; } = new([]);

    public IReadOnlyList<TokenEntry> Entries => entries;

    public static TokenList Read(string text, ICollection<string> faults)
    {
        var list = Grant.ReadList(text, faults, Parse);
        foreach (var name in list.GroupBy(entry => entry.Grant.Name, StringComparer.Ordinal).Where(same => same.Count() > 1)
            .Select(same => same.Key))
        {
            faults.Add($"there are several tokens named {name}");
        }

        return new TokenList(list);
    }

    public static bool IsName(string text) => NamePattern().IsMatch(text);

    public static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>What a token grants; null when it is none. It takes as long whichever token it is, and whether it is one.</summary>
    public Grant? Find(string token)
    {
        if (token.Length > LongestToken)
        {
            return null;
        }

        var hash = HashOf(token);
        Grant? found = null;
        foreach (var entry in entries)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, entry.Hash) ? entry.Grant : found;
        }

        return found;
    }

    private static (TokenEntry? Entry, string? Fault) Parse(string[] scopes, string rest) =>
        EntryPattern().Match(rest) is { Success: true } entry
            ? (new TokenEntry(new Grant(entry.Groups["name"].Value, scopes), Convert.FromHexString(entry.Groups["hash"].ValueSpan)), null)
            : (null, "must be scopes, sha256: with 64 hexadecimal digits, and the token's name");

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex(
        @"^sha256:(?<hash>[0-9a-fA-F]{64})\s+(?<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex EntryPattern();
}
