using System.Globalization;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>A disk that QEMU's block layer holds open for writing, as it does for a running guest.</summary>
internal sealed class HeldDisk : IAsyncDisposable
{
    private readonly int pid;
    private readonly string pidFile;

    private HeldDisk(int pid, string pidFile) => (this.pid, this.pidFile) = (pid, pidFile);

    /// <summary>The programs that hold one.</summary>
    public static IReadOnlyList<string> Programs { get; } = ["qemu-nbd", "qemu-storage-daemon"];

    public static async Task<HeldDisk> OpenAsync(StorageArea area, string disk, int place = 0, string program = "qemu-nbd")
    {
        var home = Path.Combine(Lab.Directory, "held");
        Directory.CreateDirectory(home);
        var written = Path.Combine(home, "pid");
        var socket = Path.Combine(home, "socket");
        var file = Path.Combine(area.Directory, disk);
        string[] arguments = program == "qemu-nbd"
            ? ["--fork", "--persistent", "--pid-file", written, "--socket", socket, "-f", "qcow2", file]
            : ["--daemonize", "--pidfile", written, "--nbd-server", $"addr.type=unix,addr.path={socket}",
                "--blockdev", $"driver=qcow2,node-name=disk,file.driver=file,file.filename={file}", "--export", "type=nbd,id=guest,node-name=disk,writable=on"];
        await area.Places[place].RunAsync([program, .. arguments]);
        var number = int.Parse((await File.ReadAllTextAsync(written)).Trim(), CultureInfo.InvariantCulture);
        var recorded = Path.Combine(Lab.Directory, "pids", number.ToString(CultureInfo.InvariantCulture));
        await File.WriteAllTextAsync(recorded, "");
        return new HeldDisk(number, recorded);
    }

    public async ValueTask DisposeAsync()
    {
        Signal.Send(Signal.Terminate, pid);
        await Wait.UntilAsync("QEMU to end", () => Task.FromResult(!Directory.Exists($"/proc/{pid}")));
        File.Delete(pidFile);
    }
}
