using OpenTelemetry.Resources;

namespace StorageHost.Hosting.Telemetry;

/// <summary>
/// Who the daemon says it is where it pushes metrics and traces to; <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> say it
/// better.
/// </summary>
internal static class Identity
{
    public static void Configure(ResourceBuilder resource) => resource.Clear()
        .AddService("storagehost", serviceVersion: DaemonGauges.Version, serviceInstanceId: Environment.MachineName)
        .AddTelemetrySdk()
        .AddEnvironmentVariableDetector();
}
