using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace StorageHost.Files;

/// <summary>
/// Files that the storage does not let us have one by one, such as those in split-brain or without a right for us: each is left alone, said
/// once in the log, and looked at again the next time. It must not keep us from all others.
/// </summary>
internal sealed partial class UnreadableFiles(ILogger<UnreadableFiles> log)
{
    private readonly ConcurrentDictionary<string, bool> known = new(StringComparer.Ordinal);

    /// <summary>Does something with a file that gives nothing back; else the same.</summary>
    public bool TryUse(string name, Action use) => TryUse(
        name,
        () =>
        {
            use();
            return true;
        },
        out _);

    /// <summary>Does something with a file; false when the storage does not let it, whatever it says: a quota has errors of its own.</summary>
    public bool TryUse<T>(string name, Func<T> use, [MaybeNullWhen(false)] out T result)
    {
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

            result = default;
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} cannot be used and is left alone: {Call}: {Errno}")]
    private partial void LogUnreadable(string name, string call, string errno);
}
