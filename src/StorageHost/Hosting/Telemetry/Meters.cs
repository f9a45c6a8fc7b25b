using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace StorageHost.Hosting.Telemetry;

/// <summary>Collects what is measured, from when it is made: to be read as text, and to be pushed where that is configured.</summary>
internal sealed class Meters : IDisposable
{
    private const string Requests = "http.server.request.duration";

    /// <summary>What is told of the instruments of .NET and ASP.NET Core; there are more, and some have labels without end.</summary>
    private static readonly HashSet<string> Foreign = new(StringComparer.Ordinal)
    {
        Requests, "http.server.active_requests",
        "dotnet.gc.collections", "dotnet.gc.pause.time", "dotnet.gc.heap.total_allocated", "dotnet.exceptions",
    };

    private readonly IMeterFactory own;
    private readonly MetricsExporter exporter = new();
    private readonly MeterProvider provider;

    // The gauges register themselves when they are made; nobody calls them but the provider.
    public Meters(IMeterFactory own, IConfiguration configuration, DaemonGauges daemon, PoolGauges pools, VolumeGauges volumes)
    {
        _ = (daemon, pools, volumes);
        this.own = own;
        var builder = Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .SetResourceBuilder(Identity.Resource())
            .AddMeter("StorageHost", "Microsoft.AspNetCore.Hosting", "System.Runtime")
            .AddView(View)
            .AddReader(new BaseExportingMetricReader(exporter));
        provider = (Otlp.TakesMetrics(configuration) ? builder.AddOtlpExporter() : builder).Build();
    }

    /// <summary>All metrics now, as text.</summary>
    public string Read(bool openMetrics) => exporter.Read(openMetrics);

    public void Dispose()
    {
        provider.Dispose();
        exporter.Dispose();
    }

    // A provider hears the meters of the whole process; those of another host in it bear another factory.
    private MetricStreamConfiguration? View(Instrument instrument) =>
        instrument.Meter.Scope is { } factory && factory != own ? MetricStreamConfiguration.Drop
        : instrument.Meter.Name == "StorageHost" ? null
        : instrument.Name == Requests ? new MetricStreamConfiguration { TagKeys = ["http.request.method", "http.route", "http.response.status_code"] }
        : Foreign.Contains(instrument.Name) ? null
        : MetricStreamConfiguration.Drop;
}
