using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using StorageHost.Files.Posix;

namespace StorageHost.Files.Session;

/// <summary>
/// Files that the storage does not let us have one by one, such as those in split-brain or without a right for us: each is left alone, said
/// once in the log, and looked at again the next time. It must not keep us from all others. One whose last call was given up and has not
/// returned is not even asked for: each such call would cost a thread.
/// </summary>
internal sealed partial class UnreadableFiles(ILogger<UnreadableFiles> log)
{
    private readonly ConcurrentDictionary<string, bool> known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, IStorageCall> underWay = new(StringComparer.Ordinal);

    /// <summary>Does something with a file that gives nothing back; else the same.</summary>
    public bool TryUse(string name, Action use) => TryUse(
        name,
        () =>
        {
            use();
            return true;
        },
        out _);

    /// <summary>
    /// Does something with a file; false when the storage does not let it, whatever it says: a quota has errors of its own.
    /// </summary>
    public bool TryUse<T>(string name, Func<T> use, [MaybeNullWhen(false)] out T result)
    {
        result = default;
        if (underWay.TryGetValue(name, out var before) && before.IsAbandoned)
        {
            if (known.TryAdd(name, true))
            {
                LogHangs(name);
            }

            return false;
        }

        var call = StorageThreads.Current;
        var isNoted = call is not null && underWay.TryAdd(name, call);
        try
        {
            result = use();
            known.TryRemove(name, out _);
            return true;
        }
        catch (StorageException exception)
        {
            if (known.TryAdd(name, true))
            {
                LogUnreadable(name, exception.Call, Errno.Name(exception.Errno));
            }

            return false;
        }
        finally
        {
            _ = isNoted && underWay.TryRemove(name, out _);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} is left alone: the last call on it has not returned")]
    private partial void LogHangs(string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} cannot be used and is left alone: {Call}: {Errno}")]
    private partial void LogUnreadable(string name, string call, string errno);
}
