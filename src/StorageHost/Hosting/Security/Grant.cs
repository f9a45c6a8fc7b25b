using System.Security.Claims;

namespace StorageHost.Hosting.Security;

/// <summary>Who may do what.</summary>
/// <param name="Name">Who, as the log says it.</param>
/// <param name="Scopes">What, of <see cref="Api.Scopes"/>.</param>
internal sealed record Grant(string Name, IReadOnlyList<string> Scopes)
{
    public const string ScopeClaim = "scope";

    private const char Comma = ',';

    public static Grant Everything(string name) => new(name, Api.Scopes.All);

    /// <summary>The caller whom this is granted to.</summary>
    /// <param name="how">How it showed who it is.</param>
    public ClaimsPrincipal ToCaller(string how) =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.Name, Name), .. Scopes.Select(scope => new Claim(ScopeClaim, scope))], how));

    /// <summary>Scopes with commas in between.</summary>
    /// <returns>Null when it is nothing but known scopes.</returns>
    public static string? ParseScopes(string text, out string[] scopes)
    {
        scopes = text.Split(Comma);
        return scopes.Except(Api.Scopes.All, StringComparer.Ordinal).FirstOrDefault() is { } unknown
            ? $"'{Api.Errors.Echo.Of(unknown)}' is no scope; there are {string.Join(Comma, Api.Scopes.All)}"
            : null;
    }

    /// <summary>
    /// Reads a list: on each line scopes, then to whom they are granted. Empty lines and those that begin with # are passed over.
    /// </summary>
    /// <param name="text">The list.</param>
    /// <param name="faults">Takes what is wrong, with the line's number.</param>
    /// <param name="parse">Makes an entry of the scopes and the rest of a line, or says what is wrong.</param>
    public static List<T> ReadList<T>(string text, ICollection<string> faults, Func<string[], string, (T? Entry, string? Fault)> parse)
        where T : class
    {
        var entries = new List<T>();
        foreach (var (index, line) in text.Split('\n', StringSplitOptions.TrimEntries).Index()
            .Where(each => each.Item is not ("" or ['#', ..])))
        {
            var parts = line.Split([' ', '\t'], 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var fault = ParseScopes(parts[0], out var scopes);
            T? entry = null;
            if (fault is null)
            {
                (entry, fault) = parts.Length == 2 ? parse(scopes, parts[1]) : (null, "must have scopes, then whom they are granted to");
            }

            if (fault is null)
            {
                entries.Add(entry!);
            }
            else
            {
                faults.Add($"line {index + 1}: {fault}");
            }
        }

        return entries;
    }
}
