using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using StorageHost.Api;

namespace StorageHost.Hosting.Telemetry;

/// <summary>Joins metrics and traces to a host.</summary>
internal static class TelemetrySetup
{
    private const string Text = "text/plain";
    private const string OpenMetrics = "application/openmetrics-text";

    /// <summary>Metrics, to be read as text, and both metrics and traces to be pushed where that is configured.</summary>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<DaemonGauges>().AddSingleton<PoolGauges>().AddSingleton<VolumeGauges>().AddSingleton<CertificateGauges>()
            .AddSingleton<MetricsExporter>()
            .ConfigureOpenTelemetryMeterProvider(AddInstruments)
            .AddOpenTelemetry().ConfigureResource(Identity.Configure).WithMetrics(metrics => AddMetrics(metrics, configuration));
        if (Otlp.TakesTraces(configuration))
        {
            services.AddOpenTelemetry().WithTracing(AddTraces);
        }

        return services;
    }

    /// <summary>Maps <c>/metrics</c>, and begins to measure and to trace.</summary>
    public static RouteHandlerBuilder MapMetrics(this IEndpointRouteBuilder endpoints)
    {
        endpoints.ServiceProvider.GetService<TracerProvider>();
        endpoints.ServiceProvider.GetRequiredService<MeterProvider>();
        var metrics = endpoints.ServiceProvider.GetRequiredService<MetricsExporter>();
        return endpoints.MapGet("/metrics", (HttpRequest request) => Answer(metrics, PrefersOpenMetrics(request)))
            .WithName("metrics").WithTags("Health").WithSummary("What the daemon counts and measures, as Prometheus reads it")
            .Produces<string>(StatusCodes.Status200OK, Text, OpenMetrics);
    }

    private static void AddMetrics(MeterProviderBuilder metrics, IConfiguration configuration)
    {
        metrics.AddMeter(MetricViews.Meters)
            .AddReader(services => new BaseExportingMetricReader(services.GetRequiredService<MetricsExporter>()));
        if (Otlp.TakesMetrics(configuration))
        {
            metrics.AddOtlpExporter();
        }
    }

    // The gauges register themselves when they are made; nobody calls them but the provider.
    private static void AddInstruments(IServiceProvider services, MeterProviderBuilder metrics)
    {
        _ = (
            services.GetRequiredService<DaemonGauges>(), services.GetRequiredService<PoolGauges>(),
            services.GetRequiredService<VolumeGauges>(), services.GetRequiredService<CertificateGauges>());
        var own = services.GetRequiredService<IMeterFactory>();
        metrics.AddView(instrument => MetricViews.Of(instrument, own));
    }

    /// <summary>The spans of requests, claims, copies and programs. Probes are asked for every few seconds and would fill traces.</summary>
    private static void AddTraces(TracerProviderBuilder traces) => traces
        .AddSource("StorageHost.*")
        .AddAspNetCoreInstrumentation(requests => requests.Filter = context => !RequestLog.IsProbe(context.Request.Path))
        .AddOtlpExporter();

    private static ContentHttpResult Answer(MetricsExporter metrics, bool openMetrics) => TypedResults.Text(
        metrics.Read(openMetrics), openMetrics ? $"{OpenMetrics}; version=1.0.0; charset=utf-8" : $"{Text}; version=0.0.4; charset=utf-8");

    private static bool PrefersOpenMetrics(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
            && QualityOf(accepted, OpenMetrics) is var wanted and > 0
            && wanted >= QualityOf(accepted, Text);

    private static double QualityOf(IEnumerable<MediaTypeHeaderValue> accepted, string type) =>
        accepted.Where(one => one.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)).Select(one => one.Quality ?? 1)
            .DefaultIfEmpty(0).Max();
}
