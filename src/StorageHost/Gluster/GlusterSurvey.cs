using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using StorageHost.ImageStorages;

namespace StorageHost.Gluster;

/// <summary>One look at the cluster after the other; what one could not learn is taken from the looks before.</summary>
internal sealed class GlusterSurvey(
    GlusterCli cli, HealSurvey heals, IDirectorySource directories, IOptions<GlusterOptions> options, TimeProvider time)
    : IPolled<GlusterCluster>
{
    /// <summary>More commands than a look needs for a thousand volumes, should each take all its time.</summary>
    private const int MostCommands = 30;

    private readonly ClusterState known = new(options.Value.Node.Length > 0 ? options.Value.Node : Environment.MachineName);

    /// <remarks>
    /// Each command has a deadline, and a look ends with the first that misses it. Those that are asked volume by volume stop after an
    /// interval.
    /// </remarks>
    public PollPace Pace => new(
        options.Value.PollInterval,
        options.Value.MaxBackoff,
        (options.Value.MaxBackoff * 2) + (options.Value.Timeout * MostCommands));

    /// <summary>Looks once: gives what is known when the bricks were asked, and again with what is to be healed.</summary>
    /// <exception cref="GlusterException">Neither the nodes nor the volumes could be learnt.</exception>
    public async IAsyncEnumerable<Facts<GlusterCluster>> LookAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var unlearnt = await AskClusterAsync(cancellationToken);
        var unasked = await AskBricksAsync(cancellationToken);
        var problem = unlearnt is not null && unasked is not null ? $"{unlearnt}; {unasked}" : unlearnt ?? unasked;
        yield return ToFacts(problem);

        // Where a peer's daemon hangs, asking for heals takes 10 s a volume and tells nothing that matters more.
        if (unasked is null)
        {
            await AskHealsAsync(cancellationToken);
            yield return ToFacts(problem);
        }
    }

    /// <summary>Asks which nodes and volumes there are. An answer that cannot be had, or read, takes nothing from the other one.</summary>
    /// <returns>What went wrong.</returns>
    private async Task<string?> AskClusterAsync(CancellationToken cancellationToken)
    {
        var (peers, noPeers) = await TryAsync(cli.PeerListAsync(cancellationToken));
        if (peers is { Items.Count: > 0 })
        {
            known.Learn(peers.Items, time.GetUtcNow());
        }

        var (volumes, noVolumes) = await TryAsync(cli.VolumeInfoAsync(cancellationToken));
        if (volumes is not null)
        {
            known.Learn(volumes.Items, time.GetUtcNow());
        }
        else if (noPeers is not null)
        {
            throw noPeers;
        }

        return noPeers?.Message ?? noVolumes?.Message
            ?? (peers?.Unread is { } unread ? $"the nodes are not known in full: {unread}" : null);
    }

    /// <summary>
    /// With a peer's daemon stopped or the peer cut off, this hangs on 10.3 (the CLI gives up after 120 s), as long as the peer counts as
    /// connected, and that is minutes; <c>pool list</c> and <c>volume info</c> take 0.1 s all the while. Killing the CLI does no harm: once
    /// the peer went on, the next status came in 0.1 s.
    /// </summary>
    /// <returns>Why it failed for all volumes.</returns>
    private async Task<string?> AskBricksAsync(CancellationToken cancellationToken)
    {
        var missing = known.Started.Select(volume => volume.Name).Distinct(StringComparer.Ordinal).ToList();
        if (missing.Count == 0)
        {
            return null;
        }

        try
        {
            var (all, none) = await TryAsync(cli.AllVolumesStatusAsync(missing.Count, cancellationToken));
            if (none is { Fault: GlusterFault.Busy })
            {
                return none.Message;
            }

            var learnt = Learn(all);
            missing.RemoveAll(learnt.Contains);

            // Those that were left out as they were locked, or all of them where one broke the answer: alone, each says why.
            return await AskEachAsync(missing, cancellationToken) || learnt.Count > 0 ? null : none?.Message;
        }
        catch (GlusterException exception)
        {
            return exception.Message;
        }
    }

    /// <returns>Whether any of them answered.</returns>
    private async Task<bool> AskEachAsync(IReadOnlyList<string> volumes, CancellationToken cancellationToken)
    {
        var (any, started) = (false, time.GetTimestamp());
        foreach (var volume in volumes)
        {
            // The rest has its turn in the next look, where those that were not tried come first.
            if (time.GetElapsedTime(started) > options.Value.PollInterval)
            {
                known.Miss(volume, "its turn to be asked alone has not come yet", default);
                continue;
            }

            var (found, none) = await TryAsync(cli.VolumeStatusAsync(volume, cancellationToken));
            if (Learn(found).Contains(volume))
            {
                any = true;
            }
            else
            {
                known.Miss(volume, none?.Message ?? $"'gluster volume status {volume} detail' says nothing of it", time.GetUtcNow());
            }
        }

        return any;
    }

    private HashSet<string> Learn(Reading<VolumeBricks>? found)
    {
        known.Learn(found?.Items ?? [], time.GetUtcNow());
        return [.. found?.Items.Select(volume => volume.Name) ?? []];
    }

    private async Task AskHealsAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        foreach (var volume in known.HealsDue(Served()))
        {
            // The rest has its turn after the next status: how the bricks are matters more.
            if (time.GetElapsedTime(started) > options.Value.PollInterval)
            {
                return;
            }

            known.Learn(volume, HealCounts.Of(volume, await heals.AskAsync(volume, cancellationToken)), time.GetUtcNow());
        }
    }

    /// <summary>
    /// What is known, with what is wrong with single volumes. That slows nothing down: the others are to be known as ever.
    /// </summary>
    private Facts<GlusterCluster> ToFacts(string? problem)
    {
        var facts = known.ToFacts(problem);
        var odd = facts.Value!.Volumes.Where(volume => (volume.Unread ?? volume.Problem) is not null).ToList();
        return odd.Count == 0 ? facts : facts with
        {
            Gap = $"volume {odd[0].Name}: {odd[0].Unread ?? odd[0].Problem}{(odd.Count > 1 ? $" (and {odd.Count - 1} more volumes)" : "")}",
        };
    }

    private HashSet<string> Served() => directories.Latest
        .Select(directory => directory.Facts.Value?.GlusterVolume).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>
    /// What one command failed at, another may do; not so where there is no Gluster, or it hangs, or has the whole cluster locked.
    /// </summary>
    private static async Task<(Reading<T>? Answer, GlusterException? Fault)> TryAsync<T>(Task<Reading<T>> question)
    {
        try
        {
            return (await question, null);
        }
        catch (GlusterException exception) when (exception.Fault is GlusterFault.Failed or GlusterFault.Unreadable or GlusterFault.Busy)
        {
            return (null, exception);
        }
    }
}
