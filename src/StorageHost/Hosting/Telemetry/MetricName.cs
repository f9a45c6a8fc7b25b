using System.Text;

namespace StorageHost.Hosting.Telemetry;

/// <summary>
/// What an instrument is called in the text that Prometheus reads: letters, digits and underscores, with the unit at the end.
/// </summary>
/// <param name="Family">The name that its series have in common, without the <c>_total</c> of a counter.</param>
/// <param name="Unit">Its unit in full, <c>seconds</c>; null when it has none.</param>
internal readonly record struct MetricName(string Family, string? Unit)
{
    /// <summary>The name of an instrument, from its dotted name and its unit in the short form of UCUM.</summary>
    public static MetricName Of(string name, string unit)
    {
        var family = Sanitize(name);
        var suffix = unit switch
        {
            "s" => "seconds",
            "By" => "bytes",
            _ => null,
        };
        return suffix is null || family.EndsWith("_" + suffix, StringComparison.Ordinal)
            ? new(family, suffix)
            : new($"{family}_{suffix}", suffix);
    }

    /// <summary>A name of which only letters, digits and underscores are left, as a metric's and a label's may have.</summary>
    public static string Sanitize(string name)
    {
        var text = new StringBuilder(name.Length);
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
        {
            text.Append('_');
        }

        foreach (var character in name)
        {
            text.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
        }

        return text.ToString();
    }
}
