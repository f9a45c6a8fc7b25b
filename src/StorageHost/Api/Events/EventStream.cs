using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using StorageHost.Images;
using StorageHost.Images.Jobs;
using StorageHost.ImageStorages;

namespace StorageHost.Api.Events;

/// <summary>
/// What changes, as server-sent events: <c>job</c>, <c>pool</c> and <c>volume</c>, each with the object that the resource of that name
/// answers. Every reader asks for what has changed since it last asked, so that nothing in the daemon waits for a reader or knows of one.
/// </summary>
internal sealed class EventStream
{
    /// <summary>How many may read at the same time.</summary>
    internal const int MaxReaders = 100;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private readonly TimeProvider time;
    private readonly IHostApplicationLifetime lifetime;
    private readonly JsonSerializerOptions json;
    private readonly EventState state;
    private int readers;

    public EventStream(
        ImageCacheService images,
        ImageStorageService storages,
        TimeProvider time,
        IHostApplicationLifetime lifetime,
        IOptions<JsonOptions> json)
    {
        (this.time, this.lifetime, this.json) = (time, lifetime, json.Value.SerializerOptions);

        // A little less than the interval: readers ask a little sooner or later, and should find what is new at each turn.
        state = new EventState(() => Look(images, storages), Write, Interval * 0.75, time);
    }

    /// <summary>Takes a reader's place, until it is disposed of.</summary>
    /// <exception cref="RefusedException">TooManyRequests: that many read already.</exception>
    public IDisposable Enter()
    {
        if (Interlocked.Increment(ref readers) > MaxReaders)
        {
            Interlocked.Decrement(ref readers);
            throw new RefusedException(Refusal.TooManyRequests, $"{MaxReaders} clients read /events already");
        }

        return new Place(this);
    }

    /// <summary>First the state of everything, then its changes, until the reader or the daemon ends.</summary>
    public async IAsyncEnumerable<SseItem<string>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var ticks = new PeriodicTimer(Interval, time);
        var told = 0L;
        var quietSince = time.GetTimestamp();
        do
        {
            var (now, changes) = state.Since(told);
            foreach (var (type, change) in changes)
            {
                quietSince = time.GetTimestamp();
                yield return new SseItem<string>(change, type);
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

    private static IEnumerable<Observed> Look(ImageCacheService images, ImageStorageService storages) =>
    [
        .. images.ListJobs().Select(job => new Observed("job", job.Id, job)),
        .. images.ListPools().Select(pool => new Observed("pool", pool.Image.Text, pool)),
        .. storages.Volumes.Select(volume => new VolumeChange(volume.VolumeId, volume.Status, volume.StatusMsg))
            .Select(change => new Observed("volume", change.VolumeId, change)),
    ];

    private string Write(object value)
    {
        var answer = value switch
        {
            JobStatus job => JobAnswer.Of(job),
            PoolStatus pool => PoolAnswer.Of(pool),
            _ => value,
        };
        return JsonSerializer.Serialize(answer, json.GetTypeInfo(answer.GetType()));
    }

    private sealed class Place(EventStream stream) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref stream.readers);
    }
}
