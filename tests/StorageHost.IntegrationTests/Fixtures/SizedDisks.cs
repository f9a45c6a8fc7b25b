using System.Globalization;
using System.Text.Json;
using Xunit;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>What qemu-img says of a disk that is larger than its template.</summary>
internal static class SizedDisks
{
    /// <summary>It has exactly that size, is sound, holds what its template holds, and zeros behind it.</summary>
    public static async Task CheckAsync(string file, string master, int sizeGb)
    {
        var format = master.EndsWith(".raw", StringComparison.Ordinal) ? "raw" : "qcow2";
        var info = JsonDocument.Parse(await Shell.RunAsync("qemu-img", "info", "-U", "--output=json", "-f", format, file)).RootElement;
        Assert.Equal((long)sizeGb << 30, info.GetProperty("virtual-size").GetInt64());
        if (format == "qcow2")
        {
            await Shell.RunAsync("qemu-img", "check", "-q", "-U", "-f", format, file);
        }

        await Shell.RunAsync(TimeSpan.FromMinutes(3), "qemu-img", "compare", "-q", "-U", "-f", format, "-F", format, master, file);
    }

    /// <summary>Makes a master that nobody may make larger.</summary>
    public static async Task<string> WithSnapshotAsync(string master)
    {
        var file = string.Create(CultureInfo.InvariantCulture, $"{master}.snapshot");
        File.Copy(master, file, overwrite: true);
        await Shell.RunAsync("qemu-img", "snapshot", "-c", "before", file);
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-1));
        return file;
    }
}
