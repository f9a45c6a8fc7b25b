namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>What a running daemon has open.</summary>
internal static class OpenFiles
{
    /// <summary>The paths of its files, as most of its threads have them.</summary>
    public static IReadOnlyList<string> Of(Daemon daemon) => In($"/proc/{daemon.Pid}/fd") ?? [];

    /// <summary>The names, in one line, of its threads that have neither a directory nor anything in it open.</summary>
    public static string ThreadsWithout(Daemon daemon, string directory) => string.Join(
        ' ',
        Directory.GetDirectories($"/proc/{daemon.Pid}/task")
            .Where(thread => In($"{thread}/fd") is { Count: > 0 } files && !files.Any(file => file == directory || file.StartsWith($"{directory}/", StringComparison.Ordinal)))
            .Select(NameOf).Where(name => !name.StartsWith(".NET ", StringComparison.Ordinal)));

    // The runtime makes its threads for compiling on whichever thread finds that they are needed.
    private static string NameOf(string thread)
    {
        try
        {
            return File.ReadAllText($"{thread}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return ".NET thread that has ended";
        }
    }

    // Null for a thread that has ended meanwhile; what is closed meanwhile is left out.
    private static IReadOnlyList<string>? In(string table)
    {
        try
        {
            return [.. Directory.GetFileSystemEntries(table).Select(Target).OfType<string>()];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? Target(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
