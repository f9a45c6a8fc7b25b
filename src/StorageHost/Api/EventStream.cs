using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.ImageStorages;

namespace StorageHost.Api;

/// <summary>A volume's change of status, as <c>/events</c> tells it.</summary>
/// <param name="VolumeId">Which volume.</param>
/// <param name="Status">How it is now.</param>
/// <param name="StatusMsg">What is wrong, in words.</param>
internal sealed record VolumeChange(string VolumeId, VolumeStatus Status, string StatusMsg);

/// <summary>
/// What changes, as server-sent events: <c>job</c>, <c>pool</c> and <c>volume</c>, each with the object that the resource of that name
/// answers. Every reader compares what is with what it told last, so that nothing in the daemon waits for a reader or knows of one.
/// </summary>
internal sealed class EventStream(
    ImageCacheService images, ImageStorageService storages, TimeProvider time, IHostApplicationLifetime lifetime, IOptions<JsonOptions> json)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private readonly JsonSerializerOptions json = json.Value.SerializerOptions;

    /// <summary>First the state of everything, then its changes, until the reader or the daemon ends.</summary>
    public async IAsyncEnumerable<SseItem<string>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var ticks = new PeriodicTimer(Interval, time);
        var told = new Dictionary<(string Type, string Key), string>();
        var quietSince = time.GetTimestamp();
        do
        {
            var now = Snapshot().DistinctBy(entry => entry.Id).ToDictionary(entry => entry.Id, entry => entry.State);
            foreach (var (id, state) in now.Where(entry => !told.TryGetValue(entry.Key, out var last) || last != entry.Value))
            {
                quietSince = time.GetTimestamp();
                yield return new SseItem<string>(state, id.Type);
            }

            told = now;

            if (time.GetElapsedTime(quietSince) >= Heartbeat)
            {
                quietSince = time.GetTimestamp();
                yield return new SseItem<string>("", "heartbeat");
            }
        }
        while (await NextAsync(ticks, either.Token));
    }

    private static async Task<bool> NextAsync(PeriodicTimer ticks, CancellationToken cancellationToken)
    {
        try
        {
            return await ticks.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private IEnumerable<((string Type, string Key) Id, string State)> Snapshot() =>
    [
        .. images.ListJobs().Select(job => (("job", job.Id), Write(JobAnswer.Of(job)))),
        .. images.ListPools().Select(pool => (("pool", pool.Image.Text), Write(PoolAnswer.Of(pool)))),
        .. storages.Volumes.Select(volume => (("volume", volume.VolumeId), Write(new VolumeChange(volume.VolumeId, volume.Status, volume.StatusMsg)))),
    ];

    private string Write<T>(T value) => JsonSerializer.Serialize(value, (JsonTypeInfo<T>)json.GetTypeInfo(typeof(T)));
}

/// <summary>Maps <c>/events</c>.</summary>
internal static class EventEndpoints
{
    public static void MapEvents(this RouteGroupBuilder api) => api.MapGet("/events", Read).WithName("events").WithTags("Events")
        .WithSummary("Job progress, pool levels and volume status, as server-sent events").RequireAuthorization(Scopes.Read);

    private static ServerSentEventsResult<string> Read(EventStream events, CancellationToken cancellationToken) =>
        TypedResults.ServerSentEvents(events.ReadAsync(cancellationToken));
}
