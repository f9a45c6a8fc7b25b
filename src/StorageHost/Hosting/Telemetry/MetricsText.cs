using System.Globalization;
using System.Text;

namespace StorageHost.Hosting.Telemetry;

/// <summary>What a family of series is, in Prometheus' words.</summary>
internal enum MetricKind
{
    Gauge,
    Counter,
    Histogram,
}

/// <summary>
/// Writes metrics as text, in the exposition format of Prometheus (version 0.0.4) or as OpenMetrics 1.0.0. They differ in what a counter's
/// family is called, in the unit and in the end.
/// </summary>
internal sealed class MetricsText(bool openMetrics)
{
    private readonly StringBuilder text = new();
    private string series = "";

    /// <summary>Begins a family; its samples follow.</summary>
    public void Begin(MetricName name, MetricKind kind, string help)
    {
        series = kind == MetricKind.Counter ? $"{name.Family}_total" : name.Family;
        var family = openMetrics ? name.Family : series;
        text.Append("# HELP ").Append(family).Append(' ');
        Escape(help, quotes: openMetrics);
        text.Append("\n# TYPE ").Append(family).Append(' ')
            .Append(kind switch { MetricKind.Counter => "counter", MetricKind.Histogram => "histogram", _ => "gauge" }).Append('\n');
        if (openMetrics && name.Unit is { } unit)
        {
            text.Append("# UNIT ").Append(family).Append(' ').Append(unit).Append('\n');
        }
    }

    /// <summary>One sample of the family.</summary>
    public void Sample(IEnumerable<KeyValuePair<string, object?>> labels, double value) => Sample("", labels, bound: null, value);

    /// <summary>A histogram of the family.</summary>
    /// <param name="labels">What tells it from the others.</param>
    /// <param name="buckets">How many measurements fell into each bucket alone, with its upper bound; the last one has none.</param>
    /// <param name="sum">The sum of all measurements.</param>
    public void Histogram(
        IReadOnlyCollection<KeyValuePair<string, object?>> labels, IEnumerable<(double Bound, long Count)> buckets, double sum)
    {
        var count = 0L;
        foreach (var bucket in buckets)
        {
            count += bucket.Count;
            Sample("_bucket", labels, Bound(bucket.Bound), count);
        }

        Sample("_sum", labels, bound: null, sum);
        Sample("_count", labels, bound: null, count);
    }

    /// <summary>All that was written.</summary>
    public string End() => text.Append(openMetrics ? "# EOF\n" : "").ToString();

    private void Sample(string suffix, IEnumerable<KeyValuePair<string, object?>> labels, string? bound, double value)
    {
        text.Append(series).Append(suffix);
        var separator = '{';
        foreach (var (name, of) in labels)
        {
            Label(MetricName.Sanitize(name), Convert.ToString(of, CultureInfo.InvariantCulture) ?? "");
        }

        if (bound is not null)
        {
            Label("le", bound);
        }

        text.Append(separator == ',' ? "} " : " ").Append(Number(value)).Append('\n');

        void Label(string name, string of)
        {
            text.Append(separator).Append(name).Append("=\"");
            Escape(of, quotes: true);
            text.Append('"');
            separator = ',';
        }
    }

    private void Escape(string value, bool quotes)
    {
        foreach (var character in value)
        {
            _ = character switch
            {
                '\\' => text.Append(@"\\"),
                '\n' => text.Append(@"\n"),
                '"' when quotes => text.Append("\\\""),
                _ => text.Append(character),
            };
        }
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    // OpenMetrics asks for the point, and Prometheus takes 1 and 1.0 for two different bounds: so they are the same in both formats.
    private static string Bound(double value) => Number(value) is var digits && digits.All(char.IsAsciiDigit) ? $"{digits}.0" : digits;
}
