namespace StorageHost.Gluster;

/// <summary>Asks what a volume has to heal.</summary>
internal sealed partial class HealSurvey(GlusterCli cli, ILogger<HealSurvey> log)
{
    private readonly HashSet<string> logged = new(StringComparer.Ordinal);

    /// <summary>Asks all bricks of a volume; none is in the answer when nobody could tell.</summary>
    public async Task<IReadOnlyList<BrickHeal>> AskAsync(VolumeLayout volume, CancellationToken cancellationToken)
    {
        try
        {
            // It asks the bricks themselves, so no lock of another node's command is in its way.
            var heals = await cli.HealSummaryAsync(volume.Name, cancellationToken);
            logged.Remove(volume.Name);
            return heals.Items;
        }
        catch (GlusterException exception)
        {
            // Once while it lasts. The words may change from one attempt to the next: it is the same fault.
            if (logged.Add(volume.Name))
            {
                LogNoSummary(exception.Message);
            }

            return volume.Kind == SetKind.Replica ? await CountAsync(volume, cancellationToken) : [];
        }
    }

    /// <summary>
    /// Releases before 3.13 have no summary, and with many thousand entries it takes longer than anybody waits. The count knows of
    /// split-brain nothing, and 10.3 refuses it for disperse volumes.
    /// </summary>
    private async Task<IReadOnlyList<BrickHeal>> CountAsync(VolumeLayout volume, CancellationToken cancellationToken)
    {
        try
        {
            return (await cli.HealCountAsync(volume.Name, cancellationToken)).Items;
        }
        catch (GlusterException)
        {
            return [];
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The heal counts are incomplete: {Reason}")]
    private partial void LogNoSummary(string reason);
}
