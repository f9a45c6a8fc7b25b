namespace StorageHost.ImageStorages;

/// <summary>What the log says of a poll: a line when trouble begins or is another one, and a line when it ends.</summary>
internal interface IPollLog
{
    /// <summary>What the client is told of a fault of our own.</summary>
    string OwnFault { get; }

    /// <summary>Nothing new is known, or not all of it.</summary>
    void Unknown(string problem);

    /// <summary>There is nothing to be asked, and never was.</summary>
    void Absent(string reason);

    /// <summary>All is known again.</summary>
    void KnownAgain();

    /// <summary>A fault of our own.</summary>
    void Broken(Exception exception);
}

/// <summary>The lines about a subject that needs no words of its own.</summary>
/// <param name="subject">What the facts are about.</param>
/// <param name="log">Where they go.</param>
internal sealed partial class PollLog(string subject, ILogger log) : IPollLog
{
    public string OwnFault => "internal error; the log says more";

    public void Unknown(string problem) => LogUnknown(subject, problem);

    public void Absent(string reason) => LogUnknown(subject, reason);

    public void KnownAgain() => LogKnownAgain(subject);

    public void Broken(Exception exception) => LogBroken(exception, subject);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Nothing new is known of {Subject}: {Problem}")]
    private partial void LogUnknown(string subject, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "Readable again: {Subject}")]
    private partial void LogKnownAgain(string subject);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected failure of looking at {Subject}")]
    private partial void LogBroken(Exception exception, string subject);
}
