using StorageHost.Files.Posix;

namespace StorageHost.Hosting;

/// <summary>Says why a file that the settings name cannot be used: which one, and for whom not.</summary>
internal static class FileFault
{
    /// <summary>EAGAIN of flock(2), by which .NET keeps to <see cref="FileShare"/>.</summary>
    private const int Locked = 11;

    /// <summary>What an exception of .NET means.</summary>
    /// <param name="path">The file that was opened.</param>
    /// <param name="failure">What came of it.</param>
    public static string Of(string path, Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException => $"{path}: there is no such file",
        UnauthorizedAccessException => Denied(path),
        IOException { HResult: Locked } => $"{path}: another program has it open",
        _ => $"{path}: {failure.Message}",
    };

    /// <summary>Names the directory on the way that keeps the user out, else the file; of a link, where it leads to.</summary>
    public static string Denied(string path) => new FileInfo(path).LinkTarget is { } target
        ? Closed(Path.Combine(Path.GetDirectoryName(path)!, target))
        : Closed(path);

    private static string Closed(string path) =>
        Parents(path).Reverse().FirstOrDefault(parent => FileUser.Ask(FileRights.Enter, parent) == Errno.Access) is { } closed
            ? $"{path}: permission denied: the user {FileUser.Name} may not enter {closed}"
        : Directory.Exists(path) ? $"{path}: is a directory"
        : $"{path}: permission denied for the user {FileUser.Name}";

    private static IEnumerable<string> Parents(string path)
    {
        for (var parent = Path.GetDirectoryName(path); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            yield return parent;
        }
    }
}
