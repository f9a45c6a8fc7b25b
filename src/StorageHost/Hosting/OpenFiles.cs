using System.Globalization;

namespace StorageHost.Hosting;

/// <summary>How many files this process may have open: RLIMIT_NOFILE, which systemd calls LimitNOFILE.</summary>
internal static class OpenFiles
{
    private const string Row = "Max open files";

    /// <summary>How many more it may open. .NET has raised its limit to the hard one, and keeps some 250 open itself.</summary>
    public static long Left() =>
        Limit(File.ReadLines("/proc/self/limits")) - Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount();

    /// <summary>Reads <c>/proc/self/limits</c> (format: proc(5)): name, soft limit, hard limit, unit.</summary>
    internal static long Limit(IEnumerable<string> limits)
    {
        var row = limits.FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal));
        var soft = row?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : long.MaxValue;
    }
}
