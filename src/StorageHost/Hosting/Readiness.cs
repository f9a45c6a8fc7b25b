using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace StorageHost.Hosting;

/// <summary>Maps <c>/readyz</c>: 200 when every check passes, else 503 with what is wrong.</summary>
internal static class Readiness
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public static IServiceCollection AddReadiness(this IServiceCollection services)
    {
        services.AddHealthChecks().Add(new HealthCheckRegistration("storage", ActivatorUtilities.GetServiceOrCreateInstance<StorageHealthCheck>, null, null, Limit));
        return services;
    }

    public static IEndpointConventionBuilder MapReadiness(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapHealthChecks("/readyz", new HealthCheckOptions { ResponseWriter = WriteAsync });

    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", report.Status == HealthStatus.Healthy ? "ready" : "not_ready");
        json.WriteStartArray("checks");
        foreach (var (name, check) in report.Entries)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteBoolean("ok", check.Status == HealthStatus.Healthy);
            json.WriteString("message", Describe(check));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    // With an exception the description is the framework's own: its message, which is for the log.
    private static string Describe(HealthReportEntry check) => check.Exception switch
    {
        null => check.Description ?? "",
        OperationCanceledException => "the check did not end in time",
        _ => "the check failed; the log says more",
    };
}
