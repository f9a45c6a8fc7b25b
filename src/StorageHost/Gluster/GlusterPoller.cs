using Microsoft.Extensions.Options;
using StorageHost.ImageStorages;

namespace StorageHost.Gluster;

/// <summary>Keeps the facts of the Gluster cluster: one look after the other for ever, less often while they fail.</summary>
internal sealed partial class GlusterPoller(GlusterSurvey survey, IOptions<GlusterOptions> options, TimeProvider time, ILogger<GlusterPoller> log)
    : BackgroundService, IGlusterSource
{
    private volatile Facts<GlusterCluster> latest = Facts<GlusterCluster>.None;
    private string? logged;

    public Facts<GlusterCluster> Latest => latest;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = options.Value.PollInterval;
        while (true)
        {
            var problem = await LookAsync(stoppingToken);
            LogChange(problem ?? InVolumes());
            pause = problem is null ? options.Value.PollInterval : Min(pause * 2, options.Value.MaxBackoff);

            // Daemons of one farm that were started together should not go on asking together: their commands lock each other out.
            await Task.Delay(pause * (0.9 + (0.2 * Random.Shared.NextDouble())), time, stoppingToken);
        }
    }

    /// <summary>Looks once.</summary>
    /// <returns>Why it failed, or failed in part.</returns>
    private async Task<string?> LookAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var facts in survey.LookAsync(stoppingToken))
            {
                latest = facts;
            }

            return latest.Problem;
        }
        catch (GlusterException exception)
        {
            // A node on which Gluster was never seen to run has no problem.
            if (exception.Fault is not (GlusterFault.NotInstalled or GlusterFault.NotRunning) || latest != Facts<GlusterCluster>.None)
            {
                latest = latest with { Problem = exception.Message };
            }

            return exception.Message;
        }
#pragma warning disable CA1031 // Whatever it was, the next look may find it gone; facts that silently stand still would be worse.
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogBroken(exception);
            latest = latest with { Problem = "the Gluster cluster could not be looked at: internal error" };
            return latest.Problem;
        }
    }

    /// <summary>What is wrong with single volumes. It slows nothing down: the others are to be known as ever.</summary>
    private string? InVolumes()
    {
        var odd = (latest.Value?.Volumes ?? []).Where(volume => (volume.Unread ?? volume.Problem) is not null).ToList();
        return odd.Count == 0 ? null
            : $"volume {odd[0].Name}: {odd[0].Unread ?? odd[0].Problem}{(odd.Count > 1 ? $" (and {odd.Count - 1} more volumes)" : "")}";
    }

    private void LogChange(string? problem)
    {
        if (problem == logged)
        {
            return;
        }

        if (problem is null)
        {
            LogWell();
        }
        else if (latest == Facts<GlusterCluster>.None)
        {
            LogAbsent(problem);
        }
        else
        {
            LogProblem(problem);
        }

        logged = problem;
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    [LoggerMessage(Level = LogLevel.Information, Message = "The Gluster cluster is known in full again")]
    private partial void LogWell();

    [LoggerMessage(Level = LogLevel.Information, Message = "No Gluster on this node: {Reason}")]
    private partial void LogAbsent(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The Gluster cluster is not known in full: {Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking at the Gluster cluster failed")]
    private partial void LogBroken(Exception exception);
}
