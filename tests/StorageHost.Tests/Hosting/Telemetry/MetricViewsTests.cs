using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.RegularExpressions;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using StorageHost.Hosting.Telemetry;
using StorageHost.Images.Disks;
using StorageHost.Tests.Support;
using Xunit;

namespace StorageHost.Tests.Hosting.Telemetry;

public sealed class MetricViewsTests
{
    private static readonly int Images = SaidByThePage();

    [Fact]
    public void As_many_images_are_told_apart_as_the_page_says()
    {
        using var meters = new TestMeters();
        meters.Create("StorageHost").CreateObservableCounter(PoolGauges.ClaimsName, Claims);
        using var exporter = new MetricsExporter();
        using var provider = Sdk.CreateMeterProviderBuilder().AddMeter("StorageHost").AddView(instrument => MetricViews.Of(instrument, meters))
            .AddReader(new BaseExportingMetricReader(exporter)).Build();

        var samples = Sample.ReadAll(exporter.Read(openMetrics: false));

        Assert.Equal(Images * Enum.GetValues<ClaimOutcome>().Length, samples.Length);
        Assert.Equal(Images, samples.Select(sample => sample.Labels.Single(label => label.Name == "image").Value).Distinct(StringComparer.Ordinal).Count());
    }

    private static int SaidByThePage()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));
        return int.Parse(Regex.Match(page, @"One process tells up to ([0-9]+) images apart").Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static IEnumerable<Measurement<long>> Claims() => Enumerable.Range(0, Images).SelectMany(image => Enum.GetValues<ClaimOutcome>()
        .Select(end => new Measurement<long>(1, new("image", $"image{image}"), new KeyValuePair<string, object?>("outcome", end.ToString()))));
}
