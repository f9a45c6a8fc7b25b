using Microsoft.AspNetCore.Http.HttpResults;

namespace StorageHost.Hosting;

/// <summary>Answers <c>/readyz</c>.</summary>
/// <param name="Status"><c>ready</c> or <c>not_ready</c>.</param>
/// <param name="Checks">Each check.</param>
internal sealed record ReadinessAnswer(string Status, IReadOnlyList<ReadinessCheck> Checks);

/// <summary>Maps <c>/readyz</c>: 200 when no check has failed, else 503 with what is wrong.</summary>
internal static class ReadinessEndpoint
{
    public static IServiceCollection AddReadiness(this IServiceCollection services) => services.AddSingleton<Readiness>();

    public static RouteHandlerBuilder MapReadiness(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/readyz", CheckAsync)
        .WithName("readyz").WithTags("Health").WithSummary("Says whether requests can be served, and if not, why")
        .Produces<ReadinessAnswer>().Produces<ReadinessAnswer>(StatusCodes.Status503ServiceUnavailable);

    private static async Task<JsonHttpResult<ReadinessAnswer>> CheckAsync(Readiness readiness, CancellationToken cancellationToken)
    {
        var checks = await readiness.CheckAsync(cancellationToken);
        var ready = checks.All(check => check.State != CheckState.Failed);
        return TypedResults.Json(
            new ReadinessAnswer(ready ? "ready" : "not_ready", checks),
            statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
