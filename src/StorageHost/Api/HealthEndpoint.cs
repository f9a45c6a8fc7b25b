using Microsoft.AspNetCore.Http.HttpResults;

namespace StorageHost.Api;

/// <summary>Maps <c>/healthz</c>, which touches no storage and needs no scope.</summary>
internal static class HealthEndpoint
{
    public static void MapHealth(this IEndpointRouteBuilder api) => api.MapGet("/healthz", Check).WithName("healthz").WithTags("Health")
        .WithSummary("Says that the daemon runs; touches no storage").AllowAnonymous();

    private static Ok<HealthAnswer> Check() => TypedResults.Ok(new HealthAnswer("ok"));
}

/// <summary>Answers <c>/healthz</c>.</summary>
/// <param name="Status">Always <c>ok</c>.</param>
internal sealed record HealthAnswer(string Status);
