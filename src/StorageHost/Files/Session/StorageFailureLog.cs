using StorageHost.Files.Posix;
using StorageHost.Images;

namespace StorageHost.Files.Session;

/// <summary>
/// Logs storage calls that failed: of each operation and errno the first, and then a sum for each minute.
/// </summary>
internal sealed partial class StorageFailureLog
{
    private const string NoAnswer = "no answer";

    private readonly ILogger log;
    private readonly RepeatedLines<(string Operation, string Fault)> failures;

    public StorageFailureLog(TimeProvider time, ILogger log)
    {
        this.log = log;
        failures = new RepeatedLines<(string Operation, string Fault)>(
            1, (kind, count) => LogRepeated(kind.Operation, count, kind.Fault), time);
    }

    /// <summary>A call failed with an errno.</summary>
    public void Failed(string operation, StorageException exception)
    {
        var errno = Errno.Name(exception.Errno);
        if (failures.MayWrite((operation, errno)))
        {
            LogFailed(operation, exception.Call, exception.File, errno);
        }
        else
        {
            LogFailedAgain(operation, exception.Call, exception.File, errno);
        }
    }

    /// <summary>A call was not answered by its deadline.</summary>
    public void TimedOut(string operation, TimeSpan deadline)
    {
        if (failures.MayWrite((operation, NoAnswer)))
        {
            LogTimedOut(operation, deadline);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Storage operation {Operation} failed: {Call} {File}: {Errno}")]
    private partial void LogFailed(string operation, string call, string file, string errno);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Storage operation {Operation} failed again: {Call} {File}: {Errno}")]
    private partial void LogFailedAgain(string operation, string call, string file, string errno);

    [LoggerMessage(Level = LogLevel.Error, Message = "Storage operation {Operation} failed {Count} more times within a minute: {Fault}")]
    private partial void LogRepeated(string operation, long count, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "Storage operation {Operation} did not answer within {Deadline}")]
    private partial void LogTimedOut(string operation, TimeSpan deadline);
}
