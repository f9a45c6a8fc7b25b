using Microsoft.Extensions.Configuration;
using StorageHost.Hosting.Telemetry;
using Xunit;

namespace StorageHost.Tests.Hosting.Telemetry;

public sealed class OtlpTests
{
    [Theory]
    [InlineData(null, null, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "", false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317", true, true)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://collector:4318/v1/metrics", true, false)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector", false, true)]
    public void Nothing_is_pushed_where_nobody_said_so(string? key, string? value, bool metrics, bool traces)
    {
        var configuration = Configuration(key, value);
        Assert.Equal((metrics, traces), (Otlp.TakesMetrics(configuration), Otlp.TakesTraces(configuration)));
        Assert.Empty(Otlp.FindFaults(configuration));
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "/v1/metrics")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://collector")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]
    public void A_fault_names_its_key(string key, string value) =>
        Assert.StartsWith($"{key}: must be ", Assert.Single(Otlp.FindFaults(Configuration(key, value))), StringComparison.Ordinal);

    private static IConfigurationRoot Configuration(string? key, string? value) => new ConfigurationBuilder()
        .AddInMemoryCollection(key is null ? [] : new Dictionary<string, string?>(StringComparer.Ordinal) { [key] = value }).Build();
}
