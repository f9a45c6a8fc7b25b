using FsCheck;
using FsCheck.Fluent;
using StorageHost.Hosting.Telemetry;
using Xunit;

namespace StorageHost.Tests.Hosting.Telemetry;

public sealed class MetricsTextTests
{
    private static readonly KeyValuePair<string, object?>[] None = [];

    [Fact]
    public void A_gauge_in_the_text_of_Prometheus() => Assert.Equal(
        """
        # HELP storagehost_volume_free_bytes What is free.
        # TYPE storagehost_volume_free_bytes gauge
        storagehost_volume_free_bytes{volume="vms"} 12345678901234
        storagehost_volume_free_bytes 0.5

        """,
        Write(openMetrics: false, "storagehost.volume.free", "By", MetricKind.Gauge, text =>
        {
            text.Sample([new("volume", "vms")], 12345678901234);
            text.Sample(None, 0.5);
        }));

    [Fact]
    public void A_counter_has_its_ending_in_its_family_for_Prometheus() => Assert.Equal(
        "# HELP process_cpu_seconds_total Help.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 7\n",
        Write(openMetrics: false, "process.cpu", "s", MetricKind.Counter, text => text.Sample(None, 7), "Help."));

    [Fact]
    public void A_counter_has_its_ending_in_its_samples_only_and_its_unit_for_OpenMetrics() => Assert.Equal(
        "# HELP process_cpu_seconds Help.\n# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 7\n# EOF\n",
        Write(openMetrics: true, "process.cpu", "s", MetricKind.Counter, text => text.Sample(None, 7), "Help."));

    [Fact]
    public void Buckets_hold_all_that_is_below_them() => Assert.Equal(
        """
        # HELP a_seconds What is free.
        # TYPE a_seconds histogram
        a_seconds_bucket{outcome="hit",le="0.5"} 2
        a_seconds_bucket{outcome="hit",le="1.0"} 2
        a_seconds_bucket{outcome="hit",le="+Inf"} 5
        a_seconds_sum{outcome="hit"} 9.25
        a_seconds_count{outcome="hit"} 5

        """,
        Write(openMetrics: false, "a", "s", MetricKind.Histogram, text => text.Histogram([new("outcome", "hit")], [(0.5, 2), (1, 0), (double.PositiveInfinity, 3)], 9.25)));

    [Theory]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(-0.1, "-0.1")]
    [InlineData(1e21, "1E+21")]
    public void Numbers_are_those_of_the_format(double value, string text) =>
        Assert.EndsWith($"\nx {text}\n", Write(openMetrics: false, "x", "", MetricKind.Gauge, writer => writer.Sample(None, value)), StringComparison.Ordinal);

    [Theory]
    [InlineData(false, "# HELP x a\\\\b\\n\"c\"\n")]
    [InlineData(true, "# HELP x a\\\\b\\n\\\"c\\\"\n")]
    public void What_is_said_of_a_family_stays_on_its_line(bool openMetrics, string line) =>
        Assert.StartsWith(line, Write(openMetrics, "x", "", MetricKind.Gauge, _ => { }, "a\\b\n\"c\""), StringComparison.Ordinal);

    [Fact]
    public void A_label_without_a_value_is_empty() =>
        Assert.EndsWith("\nx{a=\"\"} 1\n", Write(openMetrics: false, "x", "", MetricKind.Gauge, text => text.Sample([new("a", null)], 1)), StringComparison.Ordinal);

    [Fact]
    public void Whatever_a_label_holds_is_read_back() => Prop.ForAll(ArbMap.Default.ArbFor<(string? Value, double Number)[]>(), samples =>
    {
        var text = Write(openMetrics: false, "x", "", MetricKind.Gauge, writer => Array.ForEach(samples, sample => writer.Sample([new("a.b", sample.Value), new("c", 1)], sample.Number)));
        return Sample.ReadAll(text).SelectMany(sample => sample.Labels.Append(("", $"{sample.Name} {sample.Value}")))
            .SequenceEqual(samples.SelectMany(sample => new[] { ("a_b", sample.Value ?? ""), ("c", "1"), ("", $"x {sample.Number}") }));
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void Of_any_histogram_the_last_bucket_is_the_count_and_none_is_smaller_than_the_one_before() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), counts =>
    {
        var buckets = counts.Select((count, at) => ((double)at, (long)count)).Append((double.PositiveInfinity, 3));
        var samples = Sample.ReadAll(Write(openMetrics: true, "x", "", MetricKind.Histogram, text => text.Histogram(None, buckets, 0)));
        var cumulated = samples.Where(sample => sample.Name == "x_bucket").Select(sample => sample.Value).ToArray();
        return cumulated.SequenceEqual(cumulated.Order()) && cumulated[^1] == counts.Sum(count => count) + 3 && cumulated[^1] == samples[^1].Value && samples[^1].Name == "x_count";
    }).Check(Config.QuickThrowOnFailure);

    [Theory]
    [InlineData("storagehost.claim.duration", "s", "storagehost_claim_duration_seconds", "seconds")]
    [InlineData("process.resident_memory", "By", "process_resident_memory_bytes", "bytes")]
    [InlineData("storagehost.pool.ready", "{copy}", "storagehost_pool_ready", null)]
    [InlineData("already.seconds", "s", "already_seconds", "seconds")]
    [InlineData("9lives-or so", "", "_9lives_or_so", null)]
    [InlineData("", "", "_", null)]
    public void An_instrument_has_the_name_that_Prometheus_asks_for(string name, string unit, string family, string? inFull) =>
        Assert.Equal(new MetricName(family, inFull), MetricName.Of(name, unit));

    private static string Write(bool openMetrics, string name, string unit, MetricKind kind, Action<MetricsText> samples, string help = "What is free.")
    {
        var text = new MetricsText(openMetrics);
        text.Begin(MetricName.Of(name, unit), kind, help);
        samples(text);
        return text.End();
    }
}
