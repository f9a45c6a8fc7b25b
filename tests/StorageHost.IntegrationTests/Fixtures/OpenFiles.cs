using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>What a running daemon has open.</summary>
internal static class OpenFiles
{
    /// <summary>The paths of its files, as its threads have them.</summary>
    public static IReadOnlyList<string> Of(Daemon daemon) => In($"/proc/{daemon.Pid}/fd") ?? [];

    /// <summary>The paths of the files of the process that runs its programs.</summary>
    public static IReadOnlyList<string> OfToolHost(Daemon daemon) => In($"/proc/{ToolHost(daemon)}/fd") ?? [];

    /// <summary>The process that runs its programs: its only child.</summary>
    public static int ToolHost(Daemon daemon) => Directory.GetDirectories("/proc")
        .Select(Path.GetFileName).Where(name => name!.All(char.IsAsciiDigit)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
        .Single(pid => ParentOf(pid) == daemon.Pid);

    private static int ParentOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // it has ended meanwhile
        }
    }

    // Null for a process that has ended meanwhile; what is closed meanwhile is left out.
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
