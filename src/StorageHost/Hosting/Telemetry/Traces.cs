using OpenTelemetry;
using OpenTelemetry.Trace;

namespace StorageHost.Hosting.Telemetry;

/// <summary>Pushes the spans of requests, claims, copies and programs, where that is configured; else there are none.</summary>
internal sealed class Traces(IConfiguration configuration) : IDisposable
{
    private readonly TracerProvider? provider = Otlp.TakesTraces(configuration)
        ? Sdk.CreateTracerProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .SetResourceBuilder(Identity.Resource())
            .AddSource("Microsoft.AspNetCore", "StorageHost.*")
            .AddOtlpExporter()
            .Build()
        : null;

    public void Dispose() => provider?.Dispose();
}
