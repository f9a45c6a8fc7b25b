using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A disk that QEMU's block layer holds open for writing, as it does for a running guest.</summary>
internal sealed class HeldDisk : IAsyncDisposable
{
    private readonly int pid;
    private readonly string pidFile;

    private HeldDisk(int pid, string pidFile) => (this.pid, this.pidFile) = (pid, pidFile);

    public static async Task<HeldDisk> OpenAsync(StorageArea area, string disk, int place = 0)
    {
        var home = Path.Combine(Lab.Directory, "held");
        Directory.CreateDirectory(home);
        var written = Path.Combine(home, "pid");
        await area.Places[place].RunAsync("qemu-nbd", "--fork", "--persistent", "--pid-file", written, "--socket", Path.Combine(home, "socket"), "-f", "qcow2", Path.Combine(area.Directory, disk));
        var number = int.Parse((await File.ReadAllTextAsync(written)).Trim(), CultureInfo.InvariantCulture);
        var recorded = Path.Combine(Lab.Directory, "pids", number.ToString(CultureInfo.InvariantCulture));
        await File.WriteAllTextAsync(recorded, "");
        return new HeldDisk(number, recorded);
    }

    public async ValueTask DisposeAsync()
    {
        await Shell.SignalAsync("TERM", pid);
        await Wait.UntilAsync("qemu-nbd to end", () => Task.FromResult(!Directory.Exists($"/proc/{pid}")));
        File.Delete(pidFile);
    }
}
