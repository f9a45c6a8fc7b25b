using Microsoft.Extensions.Options;
using StorageHost.Images.Ports;

namespace StorageHost.Images.Templates;

/// <summary>Looks after uploads that nobody continues: each keeps its room for so long, and then it goes.</summary>
internal sealed class UploadKeeper(UploadService uploads, IVolumePolicy policy, IOptions<ImportOptions> options, TimeProvider time)
    : BackgroundService
{
    /// <summary>Clocks jump, and other nodes have others: for so long this daemon has to have seen it as it is.</summary>
    private static readonly TimeSpan LeastSeen = TimeSpan.FromMinutes(10);

    private readonly Dictionary<UploadId, (long Offset, long Since)> seen = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Background.Begin();
        try
        {
            while (true)
            {
                await LookAsync(stoppingToken);
                await Task.Delay(policy.RescanInterval, time, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon is stopping.
        }
    }

    private async Task LookAsync(CancellationToken stoppingToken)
    {
        try
        {
            await uploads.LookAsync(IsForgotten, stoppingToken);
        }
        catch (RefusedException)
        {
            // The storage is away, which others say already.
        }
    }

    private bool IsForgotten(UploadStatus status)
    {
        var lifetime = options.Value.UploadLifetime;
        var (id, now) = (status.Upload.Id, time.GetTimestamp());
        if (!seen.TryGetValue(id, out var before) || before.Offset != status.Offset)
        {
            before = seen[id] = (status.Offset, now);
        }

        var isForgotten = time.GetUtcNow() - status.Continued > lifetime
            && time.GetElapsedTime(before.Since, now) > (lifetime < LeastSeen ? lifetime : LeastSeen);
        if (isForgotten)
        {
            seen.Remove(id);
        }

        return isForgotten;
    }
}
