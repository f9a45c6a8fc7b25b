using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace StorageHost.Hosting.Telemetry;

/// <summary>Writes all metrics as they are when somebody asks, one at a time. Nothing is kept between, and no storage is touched.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class MetricsExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly Lock one = new();
    private MetricsText text = new(openMetrics: false);

    /// <summary>Has everything measured exported; set by the reader that this is given to.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>All metrics now.</summary>
    public string Read(bool openMetrics)
    {
        lock (one)
        {
            text = new MetricsText(openMetrics);
            Collect!(Timeout.Infinite);
            return text.End();
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        foreach (var metric in batch)
        {
            Write(metric);
        }

        return ExportResult.Success;
    }

    private void Write(Metric metric)
    {
        var kind = KindOf(metric.MetricType);
        text.Begin(MetricName.Of(metric.Name, metric.Unit), kind, metric.Description);
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = LabelsOf(point);
            if (kind == MetricKind.Histogram)
            {
                text.Histogram(labels, BucketsOf(point), point.GetHistogramSum());
            }
            else
            {
                text.Sample(labels, ValueOf(metric.MetricType, point));
            }
        }
    }

    private static MetricKind KindOf(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => MetricKind.Counter,
        MetricType.Histogram => MetricKind.Histogram,
        _ => MetricKind.Gauge,
    };

    private static double ValueOf(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
        MetricType.LongGauge => point.GetGaugeLastValueLong(),
        _ => point.GetGaugeLastValueDouble(),
    };

    private static List<KeyValuePair<string, object?>> LabelsOf(in MetricPoint point)
    {
        var labels = new List<KeyValuePair<string, object?>>(point.Tags.Count);
        foreach (var label in point.Tags)
        {
            labels.Add(label);
        }

        return labels;
    }

    private static List<(double Bound, long Count)> BucketsOf(in MetricPoint point)
    {
        var buckets = new List<(double, long)>();
        foreach (var bucket in point.GetHistogramBuckets())
        {
            buckets.Add((bucket.ExplicitBound, bucket.BucketCount));
        }

        return buckets;
    }
}
