namespace StorageHost.Hosting.Telemetry;

/// <summary>
/// Where metrics and traces are pushed to, as the OpenTelemetry specification names its settings (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and
/// its like); they may stand in the environment or wherever else settings stand. Without an endpoint nothing is pushed anywhere.
/// </summary>
internal static class Otlp
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
    private const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    public static bool TakesMetrics(IConfiguration configuration) =>
        IsSet(configuration, Endpoint) || IsSet(configuration, MetricsEndpoint);

    public static bool TakesTraces(IConfiguration configuration) => IsSet(configuration, Endpoint) || IsSet(configuration, TracesEndpoint);

    /// <summary>What is wrong with the settings, one line each, with the key first.</summary>
    public static IEnumerable<string> FindFaults(IConfiguration configuration)
    {
        foreach (var key in new[] { Endpoint, MetricsEndpoint, TracesEndpoint }.Where(key => IsSet(configuration, key)))
        {
            if (!Uri.TryCreate(configuration[key], UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            {
                yield return $"{key}: must be an address such as http://127.0.0.1:4317";
            }
        }

        if (IsSet(configuration, Protocol) && configuration[Protocol] is not ("grpc" or "http/protobuf"))
        {
            yield return $"{Protocol}: must be grpc or http/protobuf";
        }
    }

    private static bool IsSet(IConfiguration configuration, string key) => !string.IsNullOrWhiteSpace(configuration[key]);
}
