using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace StorageHost.Hosting.Telemetry;

/// <summary>Joins metrics and traces to a host.</summary>
internal static class TelemetrySetup
{
    private const string Text = "text/plain";
    private const string OpenMetrics = "application/openmetrics-text";

    public static IServiceCollection AddTelemetry(this IServiceCollection services) => services
        .AddSingleton<DaemonGauges>()
        .AddSingleton<PoolGauges>()
        .AddSingleton<VolumeGauges>()
        .AddSingleton<Meters>()
        .AddSingleton<Traces>();

    /// <summary>Maps <c>/metrics</c>, and begins to measure and to trace.</summary>
    public static RouteHandlerBuilder MapMetrics(this IEndpointRouteBuilder endpoints)
    {
        endpoints.ServiceProvider.GetRequiredService<Traces>();
        var meters = endpoints.ServiceProvider.GetRequiredService<Meters>();
        return endpoints.MapGet("/metrics", (HttpRequest request) => Answer(meters, PrefersOpenMetrics(request)))
            .WithName("metrics").WithTags("Health").WithSummary("What the daemon counts and measures, as Prometheus reads it")
            .Produces<string>(StatusCodes.Status200OK, Text, OpenMetrics);
    }

    private static ContentHttpResult Answer(Meters meters, bool openMetrics) => TypedResults.Text(
        meters.Read(openMetrics), openMetrics ? $"{OpenMetrics}; version=1.0.0; charset=utf-8" : $"{Text}; version=0.0.4; charset=utf-8");

    private static bool PrefersOpenMetrics(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted) && QualityOf(accepted, OpenMetrics) is var wanted and > 0 && wanted >= QualityOf(accepted, Text);

    private static double QualityOf(IEnumerable<MediaTypeHeaderValue> accepted, string type) =>
        accepted.Where(one => one.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)).Select(one => one.Quality ?? 1).DefaultIfEmpty(0).Max();
}
