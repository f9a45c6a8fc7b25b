using System.Diagnostics;
using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Peers;

/// <summary>A libvirtd of our own beside a volume, with nothing but its storage driver, and a pool of the storage directory in it.</summary>
internal sealed class Libvirt : IAsyncDisposable
{
    private const string Pool = "bench";

    // Only the storage driver: the others want users, bridges and firewalls of the machine. Its run-time files are nobody else's.
    private const string Boot = """
        set -e
        mkdir -p /run/libvirt
        mount -t tmpfs run /run/libvirt
        mkdir -p "$0/drivers" "$0/sock"
        ln -sf /usr/lib/*/libvirt/connection-driver/libvirt_driver_storage.so "$0/drivers/"
        export LIBVIRT_DRIVER_DIR="$0/drivers"
        exec libvirtd -f "$0/libvirtd.conf" -p "$0/pid"
        """;

    private readonly Process daemon;
    private readonly string pidFile;
    private readonly string[] virsh;

    private Libvirt(Process daemon, string pidFile, string[] virsh) => (this.daemon, this.pidFile, this.virsh) = (daemon, pidFile, virsh);

    /// <summary><c>virsh vol-clone</c>.</summary>
    public Peer Peer => new("virsh vol-clone", (template, target) => [.. virsh, "vol-clone", "--pool", Pool, template.FileName, target]);

    /// <summary>Starts it; the templates must be in the directory already.</summary>
    public static async Task<Libvirt> StartAsync(StorageArea area)
    {
        var home = Path.Combine(Lab.Directory, "libvirt", Path.GetRandomFileName());
        Directory.CreateDirectory(home);
        await File.WriteAllTextAsync(Path.Combine(home, "libvirtd.conf"), $"""
            unix_sock_dir = "{home}/sock"
            auth_unix_ro = "none"
            auth_unix_rw = "none"
            log_outputs = "3:file:{home}/log"

            """);
        var started = Shell.Start(area.Places[0].Command("unshare", "-m", "bash", "-c", Boot, home));
        var recorded = Path.Combine(Lab.Directory, "pids", $"{started.Id}");
        await File.WriteAllTextAsync(recorded, "");
        var libvirt = new Libvirt(started, recorded, ["virsh", "-q", "-c", $"storage:///system?socket={home}/sock/libvirt-sock"]);
        await Wait.UntilAsync($"libvirtd to answer; log in {home}", async () => (await Shell.TryAsync([.. libvirt.virsh, "pool-list"])).ExitCode == 0);
        await Shell.RunAsync([.. libvirt.virsh, "pool-create-as", Pool, "dir", "--target", area.Directory]);
        return libvirt;
    }

    public async ValueTask DisposeAsync()
    {
        Signal.Send(Signal.Terminate, daemon.Id);
        await daemon.WaitForExitAsync();
        daemon.Dispose();
        File.Delete(pidFile);
    }
}
