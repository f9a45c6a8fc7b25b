namespace StorageHost.Hosting.Security;

/// <summary>A setting whose value stands in files that may change while the daemon runs.</summary>
internal interface IWatchedFile
{
    /// <summary>Under which key the files are configured.</summary>
    string Setting { get; }

    /// <summary>
    /// Reads the files. A change is taken up when two looks in a row have found the same: whoever replaces a certificate and its key, or
    /// writes a list, is not caught in the middle. A content with faults is ignored.
    /// </summary>
    /// <returns>Null when there is nothing new; else the faults, none when it was taken up.</returns>
    IReadOnlyList<string>? Look();

    /// <summary>Reads the files for the first time, and gives the faults.</summary>
    IReadOnlyList<string> Open();
}

/// <summary>The same with what the files say.</summary>
/// <typeparam name="T">What they are read into.</typeparam>
/// <param name="settings">Under which keys they are configured, the first of which names all.</param>
/// <param name="paths">Their absolute paths, in the same order; none when nothing is configured.</param>
/// <param name="read">Reads their texts, and adds what is wrong with each to the list in its place.</param>
/// <param name="none">What holds before anything was read.</param>
internal sealed class WatchedFile<T>(
    IReadOnlyList<string> settings, IReadOnlyList<string> paths, Func<IReadOnlyList<string>, IReadOnlyList<ICollection<string>>, T> read,
    T none) : IWatchedFile
    where T : class?
{
    private Found seen = new([], []);
    private Found told = new([], []);
    private volatile T current = none;

    public string Setting => settings[0];

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

    private IReadOnlyList<string> TakeUp(Found found)
    {
        told = found;
        if (found.Faults.Count > 0)
        {
            return found.Faults;
        }

        var faults = paths.Select(_ => new List<string>()).ToArray();
        var value = read(found.Texts, faults);
        if (faults.All(each => each.Count == 0))
        {
            current = value;
        }

        return [.. faults.SelectMany((each, index) => each.Select(fault => $"{settings[index]}: {paths[index]}: {fault}"))];
    }

    private Found Read()
    {
        var (texts, faults) = (new List<string>(), new List<string>());
        foreach (var (index, path) in paths.Index())
        {
            try
            {
                texts.Add(File.ReadAllText(path));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                faults.Add($"{settings[index]}: {FileFault.Of(path, fault)}");
            }
        }

        return new Found(texts, faults);
    }

    private sealed record Found(IReadOnlyList<string> Texts, IReadOnlyList<string> Faults)
    {
        public bool IsSame(Found other) =>
            Faults.SequenceEqual(other.Faults, StringComparer.Ordinal) && Texts.SequenceEqual(other.Texts, StringComparer.Ordinal);
    }
}
