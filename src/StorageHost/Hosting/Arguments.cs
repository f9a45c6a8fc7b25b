namespace StorageHost.Hosting;

/// <summary>The command line, taken apart.</summary>
/// <param name="Words">What the program is to do: words and options.</param>
/// <param name="Settings">The settings, as <c>--Key=value</c>.</param>
/// <param name="Incomplete">A setting without a value, if there is one.</param>
internal sealed record Arguments(IReadOnlyList<string> Words, IReadOnlyList<string> Settings, string? Incomplete)
{
    private const string Dashes = "--";

    /// <summary>
    /// Takes the settings out: <c>--Key=value</c> and <c>--Key value</c>. A key has a colon in it, or is a known one. With a value behind
    /// an equals sign everything else is a setting too, unless it is nearly an option: what reads the settings says which was meant.
    /// </summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="options">The options, which are no settings.</param>
    public static Arguments Split(string[] arguments, IReadOnlyList<string> options)
    {
        var (words, settings) = (new List<string>(), new List<string>());
        for (var index = 0; index < arguments.Length; index++)
        {
            var (name, value) = arguments[index].Split('=', 2) is [var before, var after] ? (before, after) : (arguments[index], null);
            if (!name.StartsWith(Dashes, StringComparison.Ordinal) || !IsSetting(name, value, options))
            {
                words.Add(arguments[index]);
            }
            else if (value is null && (index + 1 == arguments.Length || arguments[index + 1].StartsWith(Dashes, StringComparison.Ordinal)))
            {
                return new Arguments(words, settings, name);
            }
            else
            {
                settings.Add($"{name}={value ?? arguments[++index]}");
            }
        }

        return new Arguments(words, settings, null);
    }

    private static bool IsSetting(string name, string? value, IReadOnlyList<string> options) =>
        name.Contains(':', StringComparison.Ordinal) || KnownKeys.IsPlain(name[Dashes.Length..])
        || (value is not null && name.Length > Dashes.Length && Nearest.To(name, options).Count == 0);
}
