using Microsoft.AspNetCore.Http.HttpResults;
using StorageHost.ImageStorages;

namespace StorageHost.Api.Events;

/// <summary>Maps <c>/events</c>.</summary>
internal static class EventEndpoints
{
    public static void MapEvents(this IEndpointRouteBuilder api) => api.MapGet("/events", Read).WithName("events").WithTags("Events")
        .WithSummary("Job progress, pool levels and volume status, as server-sent events").RequireAuthorization(Scopes.Read).Refuses();

    private static ServerSentEventsResult<string> Read(EventStream events, HttpContext context, CancellationToken cancellationToken)
    {
        context.Response.RegisterForDispose(events.Enter());
        return TypedResults.ServerSentEvents(events.ReadAsync(cancellationToken));
    }
}

/// <summary>A volume's change of status, as <c>/events</c> tells it.</summary>
/// <param name="VolumeId">Which volume.</param>
/// <param name="Status">How it is now.</param>
/// <param name="StatusMsg">What is wrong, in words.</param>
internal sealed record VolumeChange(string VolumeId, VolumeStatus Status, string StatusMsg);
