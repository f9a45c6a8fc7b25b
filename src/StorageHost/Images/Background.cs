namespace StorageHost.Images;

/// <summary>
/// Marks work that no caller waits for: looking at the volume, filling pools, claiming ahead. It gets a share of the storage's threads
/// only, so that callers find some whatever hangs. The mark goes with an asynchronous method into everything that it calls or starts.
/// </summary>
internal static class Background
{
    private static readonly AsyncLocal<bool> Mark = new();

    /// <summary>Whether no caller waits for what is done here.</summary>
    public static bool IsCurrent => Mark.Value;

    /// <summary>Marks the rest of the asynchronous method that this is called in.</summary>
    public static void Begin() => Mark.Value = true;

    /// <summary>Takes the mark from the rest of the asynchronous method: a caller waits for it after all.</summary>
    public static void End() => Mark.Value = false;
}
