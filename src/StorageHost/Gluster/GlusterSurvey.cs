using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using StorageHost.ImageStorages;

namespace StorageHost.Gluster;

/// <summary>One look at the cluster after the other; what one could not learn is taken from the looks before.</summary>
internal sealed class GlusterSurvey(GlusterCli cli, HealSurvey heals, IOptions<GlusterOptions> options, TimeProvider time)
{
    private readonly ClusterState known = new(options.Value.Node.Length > 0 ? options.Value.Node : Environment.MachineName);

    /// <summary>Looks once: gives what is known when the bricks were asked, and again with what is to be healed.</summary>
    /// <exception cref="GlusterException">Not even the nodes and volumes could be learnt.</exception>
    public async IAsyncEnumerable<Facts<GlusterCluster>> LookAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var peers = PeerList.Parse(await cli.PeerListAsync(cancellationToken));
        var volumes = VolumeInfoList.Parse(await cli.VolumeInfoAsync(cancellationToken));
        known.Learn(peers, volumes, time.GetUtcNow());
        var problem = await AskBricksAsync(cancellationToken);
        yield return known.ToFacts(problem);

        // Where a peer's daemon hangs, asking for heals takes 10 s a volume and tells nothing that matters more.
        if (problem is null)
        {
            await AskHealsAsync(cancellationToken);
            yield return known.ToFacts(problem);
        }
    }

    /// <summary>
    /// With a peer's daemon stopped or the peer cut off, this hangs on 10.3 (the CLI gives up after 120 s), as long as the peer counts as
    /// connected, and that is minutes; <c>pool list</c> and <c>volume info</c> take 0.1 s all the while. Killing the CLI does no harm: once
    /// the peer went on, the next status came in 0.1 s.
    /// </summary>
    /// <returns>Why it failed.</returns>
    private async Task<string?> AskBricksAsync(CancellationToken cancellationToken)
    {
        var missing = known.Started.Select(volume => volume.Name).ToHashSet(StringComparer.Ordinal);
        try
        {
            // All at once; then each that was left out because it was locked, alone: that answer says why.
            for (var next = "all"; missing.Count > 0; next = missing.FirstOrDefault(""))
            {
                var found = VolumeStatusList.Parse(await cli.VolumeStatusAsync(next, cancellationToken));
                known.Learn(found, time.GetUtcNow());
                missing.ExceptWith(found.Select(volume => volume.Name));
                missing.Remove(next);
            }

            return null;
        }
        catch (GlusterException exception)
        {
            return exception.Message;
        }
    }

    private async Task AskHealsAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        foreach (var volume in known.Healing)
        {
            // The rest has its turn after the next status: how the bricks are matters more.
            if (time.GetElapsedTime(started) > options.Value.PollInterval)
            {
                return;
            }

            known.Learn(volume, HealCounts.Of(volume, await heals.AskAsync(volume, cancellationToken)), time.GetUtcNow());
        }
    }
}
