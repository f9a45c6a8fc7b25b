using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace StorageHost.Hosting;

/// <summary>
/// Finds the keys outside of every known section, which nobody would read: a misspelt <c>Security</c> would leave the daemon open to all.
/// </summary>
/// <param name="known">The keys that are known.</param>
internal sealed class UnknownKeys(KnownKeys known)
{
    /// <summary>What is wrong, one line each, with the key first.</summary>
    public IEnumerable<string> FindFaults(IConfigurationRoot configuration) => configuration.Providers
        .Where(provider => provider is not ChainedConfigurationProvider) // the web host's own
        .SelectMany(provider => Keys(provider, null).Where(key => IsFault(provider, key)))
        .Distinct(StringComparer.OrdinalIgnoreCase)
        .Select(key => $"{key}: {known.Correct(key)}");

    private bool IsFault(IConfigurationProvider provider, string key) =>
        !known.HasSection(key)
            && !KnownKeys.IsPlain(key)
            && (provider is not EnvironmentVariablesConfigurationProvider || IsMeantForUs(key));

    /// <summary>
    /// The environment is full of the variables of others: ours are named like a section, or nearly like a setting in one.
    /// </summary>
    private bool IsMeantForUs(string key) =>
        known.IsSection(key) || (key.Contains(':', StringComparison.Ordinal) && known.SettingsNear(key).Count > 0);

    private static IEnumerable<string> Keys(IConfigurationProvider provider, string? parent)
    {
        foreach (var child in provider.GetChildKeys([], parent).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            var key = parent is null ? child : ConfigurationPath.Combine(parent, child);
            // An empty section is no setting.
            if (provider.TryGet(key, out var value) && value is not null && (value.Length > 0 || parent is not null))
            {
                yield return key;
            }

            foreach (var below in Keys(provider, key))
            {
                yield return below;
            }
        }
    }
}
