namespace StorageHost.ImageStorages;

/// <summary>Facts that are taken again and again, one look at a time, for as long as the daemon runs.</summary>
/// <param name="subject">What they are about, for the log.</param>
/// <param name="take">Takes them; a <see cref="FactsException"/> says why they cannot be had now.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where trouble goes, once when it begins and once when it ends.</param>
internal sealed class PolledFacts<T>(string subject, Func<CancellationToken, Task<T>> take, TimeProvider time, ILogger log)
    where T : class
{
    private volatile Facts<T> latest = Facts<T>.None;

    /// <summary>What was last learnt.</summary>
    public Facts<T> Latest => latest;

    /// <summary>Takes them until it is cancelled.</summary>
    public async Task RunAsync(Func<TimeSpan> interval, CancellationToken stoppingToken)
    {
        while (true)
        {
            await TakeAsync(stoppingToken);

            // Up to a tenth more, so that the daemons of a cluster that was switched on at once do not ask their storage in step.
            await Task.Delay(interval() * (1 + (Random.Shared.NextDouble() / 10)), time, stoppingToken);
        }
    }

    /// <summary>Takes them once. Whatever fails, the last good facts stay.</summary>
    internal async Task TakeAsync(CancellationToken cancellationToken)
    {
        try
        {
            Renew(new Facts<T>(await take(cancellationToken), time.GetUtcNow(), null));
        }
        catch (FactsException exception)
        {
            Renew(latest with { Problem = exception.Message });
        }
#pragma warning disable CA1031 // A poll that ended for ever would leave facts that nobody renews.
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            PollLog.Broken(log, exception, subject);
            Renew(latest with { Problem = "internal error; the log says more" });
        }
    }

    private void Renew(Facts<T> facts)
    {
        var before = latest.Problem;
        latest = facts;
        if (facts.Problem is { } problem && problem != before)
        {
            PollLog.Unknown(log, subject, problem);
        }
        else if (facts.Problem is null && before is not null)
        {
            PollLog.KnownAgain(log, subject);
        }
    }
}

/// <summary>Facts could not be had. The message says why, in words for the client.</summary>
internal sealed class FactsException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>What the log says of polls.</summary>
internal static partial class PollLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Nothing new is known of {Subject}: {Problem}")]
    public static partial void Unknown(ILogger log, string subject, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "Readable again: {Subject}")]
    public static partial void KnownAgain(ILogger log, string subject);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected failure of looking at {Subject}")]
    public static partial void Broken(ILogger log, Exception exception, string subject);
}
