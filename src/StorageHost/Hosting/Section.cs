using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace StorageHost.Hosting;

/// <summary>A section of the configuration that is in force.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Options">What it says: each public property is a setting.</param>
/// <param name="AddTo">Gives the options to those who use them.</param>
internal sealed record Section(string Name, object Options, Action<IServiceCollection> AddTo)
{
    public IEnumerable<PropertyInfo> Settings => Options.GetType().GetProperties();

    /// <summary>Every setting with its value, defaults too.</summary>
    public IEnumerable<string> Lines => Settings.SelectMany(setting => setting.GetValue(Options) is IReadOnlyDictionary<string, string> map
        ? map.Select(entry => $"{Name}:{setting.Name}:{entry.Key}={entry.Value}")
        : [string.Create(CultureInfo.InvariantCulture, $"{Name}:{setting.Name}={setting.GetValue(Options)}")]);

    /// <summary>
    /// Whether a setting may change while the daemon runs: its property has a <c>set</c>, and who uses it reads it each time. What is
    /// used once, at the start, has an <c>init</c>.
    /// </summary>
    public static bool IsReloadable(PropertyInfo setting) =>
        setting.SetMethod is { } setter && !setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    /// <summary>Whether a key is that of a setting of this section that may change.</summary>
    public bool CanChange(string key) =>
        Settings.Any(setting => key.Equals($"{Name}:{setting.Name}", StringComparison.OrdinalIgnoreCase) && IsReloadable(setting));

    /// <summary>Takes over what may change. Each value is whole at any time; who reads two of them may see one of before.</summary>
    public void TakeUp(Section newer)
    {
        foreach (var setting in Settings.Where(IsReloadable))
        {
            setting.SetValue(Options, setting.GetValue(newer.Options));
        }
    }
}
