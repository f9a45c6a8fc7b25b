namespace StorageHost.Hosting.Security;

/// <summary>A setting whose value stands in files that may change while the daemon runs.</summary>
internal interface IWatchedFile
{
    /// <summary>Under which key the files are configured.</summary>
    string Setting { get; }

    /// <summary>
    /// Reads the files. A change is taken up when two looks in a row have found the same: whoever replaces a certificate and its key, or
    /// writes a list, is not caught in the middle. What has faults is not taken up.
    /// </summary>
    /// <returns>Null when there is nothing new; else the faults, none when it was taken up.</returns>
    IReadOnlyList<string>? Look();

    /// <summary>Reads the files for the first time, and gives the faults.</summary>
    IReadOnlyList<string> Open();
}

/// <summary>The same with what the files say.</summary>
/// <typeparam name="T">What they are read into.</typeparam>
/// <param name="setting">Under which key they are configured.</param>
/// <param name="paths">Absolute paths; none when nothing is configured.</param>
/// <param name="read">Reads their texts, and adds what is wrong with them.</param>
/// <param name="none">What holds before anything was read.</param>
internal sealed class WatchedFile<T>(string setting, IReadOnlyList<string> paths, Func<IReadOnlyList<string>, ICollection<string>, T> read, T none) : IWatchedFile
    where T : class?
{
    private Found seen = new([], "");
    private Found told = new([], "");
    private volatile T current = none;

    public string Setting => setting;

    /// <summary>What the files said when they last were without faults.</summary>
    public T Current => current;

    public IReadOnlyList<string>? Look()
    {
        var found = Read();
        var isSettled = found.IsSame(seen);
        seen = found;
        return isSettled && !found.IsSame(told) ? TakeUp(found) : null;
    }

    /// <summary>Reads the files for the first time, and gives the faults.</summary>
    public IReadOnlyList<string> Open() => paths.Count == 0 ? [] : TakeUp(seen = Read());

    private List<string> TakeUp(Found found)
    {
        told = found;
        var faults = new List<string>();
        if (found.Fault.Length > 0)
        {
            return [$"{setting}: {found.Fault}"];
        }

        var value = read(found.Texts, faults);
        if (faults.Count == 0)
        {
            current = value;
        }

        return [.. faults.Select(fault => $"{setting}: {fault}")];
    }

    private Found Read()
    {
        try
        {
            return new Found([.. paths.Select(File.ReadAllText)], "");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Found([], $"cannot be read: {fault.Message}");
        }
    }

    private sealed record Found(IReadOnlyList<string> Texts, string Fault)
    {
        public bool IsSame(Found other) => Fault == other.Fault && Texts.SequenceEqual(other.Texts, StringComparer.Ordinal);
    }
}
