using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Measuring;

/// <summary>Where it was measured, and with which versions.</summary>
internal static class Machine
{
    /// <summary>How many processes were running or waiting for storage, on average of the last minute.</summary>
    public static double Load => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    public static async Task<string> DescribeAsync()
    {
        var cpu = Value("/proc/cpuinfo", "model name");
        var memory = long.Parse(Value("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) / 1e6;
        (string What, string[] Command)[] versions =
        [
            ("kernel", ["uname", "-sr"]), ("coreutils", ["cp", "--version"]), ("QEMU", ["qemu-img", "--version"]), ("libvirt", ["virsh", "--version"]),
            ("Gluster", ["gluster", "--version"]), ("under the loop devices", ["stat", "-f", "-c", "%T", Path.GetDirectoryName(Lab.Directory)!]),
        ];
        var lines = new List<string>
        {
            string.Create(CultureInfo.InvariantCulture, $"- {Environment.ProcessorCount} × {cpu}, {memory:0} GB of memory"),
            $"- .NET {Environment.Version}",
        };
        foreach (var (what, command) in versions)
        {
            lines.Add($"- {what}: {(await Shell.RunAsync(command)).Split('\n')[0]}");
        }

        return string.Join('\n', lines) + '\n';
    }

    private static string Value(string file, string key) =>
        File.ReadLines(file).First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(':', 2)[1].Trim();
}
