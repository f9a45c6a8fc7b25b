using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using FluentValidation;

namespace StorageHost.Hosting;

/// <summary>
/// Reads the configuration's sections into their options, and finds every fault in all of them: an unknown key, a value that is no
/// number, a value out of range.
/// </summary>
internal sealed class SectionReader(IConfiguration configuration)
{
    private readonly List<string> faults = [];

    /// <summary>What is wrong, one line each, with the key first.</summary>
    public IReadOnlyList<string> Faults => faults;

    /// <summary>Reads one section.</summary>
    /// <typeparam name="T">Its options, with a default for every key.</typeparam>
    /// <param name="section">The section's name.</param>
    /// <param name="rules">What its values must be.</param>
    public T Read<T>(string section, IValidator<T> rules)
        where T : class, new()
    {
        var options = new T();
        foreach (var entry in configuration.GetSection(section).GetChildren())
        {
            if (typeof(T).GetProperty(entry.Key, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase) is not { } property)
            {
                faults.Add(
                    $"{section}:{entry.Key}: {Correct(section, entry.Key, [.. typeof(T).GetProperties().Select(known => known.Name)])}");
            }
            else if (property.PropertyType == typeof(IReadOnlyDictionary<string, string>))
            {
                property.SetValue(options, ReadMap($"{section}:{property.Name}", entry));
            }
            else if (entry.GetChildren().Any())
            {
                faults.Add($"{section}:{property.Name}: takes one value, neither a list nor a section");
            }
            else if (!TryConvert(entry.Value ?? "", property.PropertyType, out var value))
            {
                faults.Add($"{section}:{property.Name}: '{entry.Value}' is not {Describe(property.PropertyType)}");
            }
            else
            {
                property.SetValue(options, value);
            }
        }

        faults.AddRange(rules.Validate(options).Errors.Select(error => $"{section}:{error.PropertyName}: {error.ErrorMessage}"));
        return options;
    }

    private static string Correct(string section, string key, string[] known) => Nearest.To(key, known) is { Count: > 0 } meant
        ? $"there is no such setting; did you mean {string.Join(" or ", meant.Select(name => $"{section}:{name}"))}?"
        : $"there is no such setting; there are {string.Join(", ", known)}";

    private Dictionary<string, string> ReadMap(string key, IConfigurationSection map)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!string.IsNullOrEmpty(map.Value))
        {
            faults.Add($"{key}: must hold one key for each name, such as {key}:<name>");
        }

        foreach (var entry in map.GetChildren())
        {
            if (entry.GetChildren().Any())
            {
                faults.Add($"{key}:{entry.Key}: must be a text");
            }

            values[entry.Key] = entry.Value ?? "";
        }

        return values;
    }

    private static bool TryConvert(string text, Type type, out object? value)
    {
        try
        {
            value = TypeDescriptor.GetConverter(type).ConvertFromString(null, CultureInfo.InvariantCulture, text);
            return true;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or OverflowException)
        {
            value = null;
            return false;
        }
    }

    private static string Describe(Type type) =>
        type == typeof(int) ? "a whole number"
        : type == typeof(bool) ? "true or false"
        : type == typeof(TimeSpan) ? "a time such as 00:00:10"
        : "a text";
}
