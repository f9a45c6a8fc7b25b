namespace StorageHost.ImageStorages;

/// <summary>
/// Facts that are taken again and again, one look at a time, for as long as the daemon runs. Whatever fails, the last good ones stay.
/// </summary>
/// <param name="polled">What they are taken of.</param>
/// <param name="log">Where trouble goes.</param>
/// <param name="time">The clock.</param>
internal sealed class PolledFacts<T>(IPolled<T> polled, IPollLog log, TimeProvider time) : IFacts<T>, IPoll
    where T : class
{
    private volatile Facts<T> latest = Facts<T>.None;
    private string? logged;

    public Facts<T> Latest => latest;

    public async Task RunAsync(CancellationToken stoppingToken)
    {
        var pause = polled.Pace.Interval;
        while (true)
        {
            var isFailed = await LookAsync(stoppingToken);
            var pace = polled.Pace;
            pause = !isFailed ? pace.Interval : pause * 2 < pace.MaxPause ? pause * 2 : pace.MaxPause;

            // Daemons of one cluster that were started together should not go on asking together: they would wait for each other.
            await Task.Delay(pause * (0.9 + (0.2 * Random.Shared.NextDouble())), time, stoppingToken);
        }
    }

    /// <summary>Looks once.</summary>
    /// <returns>Whether it failed, or failed in part.</returns>
    internal async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        var problem = await TakeAsync(cancellationToken);
        LogChange(problem ?? latest.Gap);
        return problem is not null;
    }

    /// <summary>Takes the facts.</summary>
    /// <returns>What went wrong.</returns>
    private async Task<string?> TakeAsync(CancellationToken cancellationToken)
    {
        var deadline = polled.Pace.Deadline;
        using var late = new CancellationTokenSource(deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            await foreach (var facts in polled.LookAsync(either.Token))
            {
                latest = facts.TakenAt is null ? facts with { TakenAt = time.GetUtcNow() } : facts;
            }

            return latest.Problem;
        }
        catch (FactsException exception) when (exception.IsAbsence && latest == Facts<T>.None)
        {
            return exception.Message;
        }
        catch (FactsException exception)
        {
            return Fail(exception.Message);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return Fail($"no answer within {deadline}");
        }
#pragma warning disable CA1031 // Whatever it was, the next look may find it gone; facts that silently stand still would be worse.
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            log.Broken(exception);
            return Fail(log.OwnFault);
        }
    }

    private string Fail(string problem)
    {
        latest = latest with { Problem = problem };
        return problem;
    }

    private void LogChange(string? trouble)
    {
        if (trouble == logged)
        {
            return;
        }

        logged = trouble;
        if (trouble is null)
        {
            log.KnownAgain();
        }
        else if (latest == Facts<T>.None)
        {
            log.Absent(trouble);
        }
        else
        {
            log.Unknown(trouble);
        }
    }
}
