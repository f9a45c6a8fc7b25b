using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace StorageHost.Hosting;

/// <summary>Answers <c>/readyz</c>.</summary>
/// <param name="Status"><c>ready</c> or <c>not_ready</c>.</param>
/// <param name="Checks">Each check.</param>
internal sealed record ReadinessAnswer(string Status, IReadOnlyList<ReadinessCheck> Checks);

/// <summary>One check.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Ok">Whether it is as it should be.</param>
/// <param name="Message">What is wrong, in words; empty when nothing is.</param>
internal sealed record ReadinessCheck(string Name, bool Ok, string Message);

/// <summary>Maps <c>/readyz</c>: 200 when every check passes, else 503 with what is wrong.</summary>
internal static class Readiness
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public static IServiceCollection AddReadiness(this IServiceCollection services)
    {
        services.AddHealthChecks().Add(new HealthCheckRegistration("storage", ActivatorUtilities.GetServiceOrCreateInstance<StorageHealthCheck>, null, null, Limit));
        return services;
    }

    public static RouteHandlerBuilder MapReadiness(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/readyz", CheckAsync)
        .WithName("readyz").WithTags("Health").WithSummary("Says whether requests can be served, and if not, why")
        .Produces<ReadinessAnswer>().Produces<ReadinessAnswer>(StatusCodes.Status503ServiceUnavailable);

    private static async Task<JsonHttpResult<ReadinessAnswer>> CheckAsync(HealthCheckService checks, CancellationToken cancellationToken)
    {
        var report = await checks.CheckHealthAsync(cancellationToken);
        var ready = report.Status == HealthStatus.Healthy;
        return TypedResults.Json(
            new ReadinessAnswer(ready ? "ready" : "not_ready", [.. report.Entries.Select(entry => Check(entry.Key, entry.Value))]),
            statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static ReadinessCheck Check(string name, HealthReportEntry entry) => new(name, entry.Status == HealthStatus.Healthy, Describe(entry));

    // With an exception the description is the framework's own: its message, which is for the log.
    private static string Describe(HealthReportEntry check) => check.Exception switch
    {
        null => check.Description ?? "",
        OperationCanceledException => "the check did not end in time",
        _ => "the check failed; the log says more",
    };
}
