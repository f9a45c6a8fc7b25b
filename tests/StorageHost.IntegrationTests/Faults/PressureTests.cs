using System.Net.Sockets;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Service;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>What runs out on this machine, or is missing there, and has nothing to do with the storage.</summary>
[Collection(LabTests.Name)]
public sealed class PressureTests(Lab lab)
{
    [DaemonFact]
    public async Task Idle_connections_leave_the_storage_its_files()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = area.Launch(["prlimit", "--nofile=600"], "--Storage:RescanInterval", "00:00:01");
        await daemon.ReadyAsync();
        await daemon.Client.FillAsync("centos", 2);
        var idle = new List<Socket>();
        for (var number = 0; number < 700; number++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            idle.Add(socket);
            await socket.ConnectAsync(daemon.Client.Address.Host, daemon.Client.Address.Port);
        }

        // Long enough for some looks at the session.
        await Task.Delay(TimeSpan.FromSeconds(4));
        (await daemon.Client.GetAsync("/healthz")).Is(200);
        (await daemon.Client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        Assert.InRange(Directory.GetFileSystemEntries($"/proc/{daemon.Pid}/fd").Length, 1, 500);
        Assert.DoesNotContain("session with the volume ended", daemon.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("EMFILE", daemon.Output, StringComparison.Ordinal);
        Assert.Contains("connections are served: half of the ", daemon.Output, StringComparison.Ordinal);
        idle.ForEach(socket => socket.Dispose());
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory]
    [InlineData("EMFILE")]
    [InlineData("ENFILE")]
    [InlineData("ENOMEM")]
    public async Task A_machine_that_has_no_files_left_ends_no_session(string error)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:00.5");
        await daemon.Client.FillAsync("centos", 2);
        await using (var fault = await Fault.InjectAsync(daemon, "openat", error))
        {
            await Wait.UntilAsync("calls to fail", () => Task.FromResult(fault.Injected > 3));
            (await daemon.Client.AddStorageAsync("web01", 1)).Refuses(503, "storage_unavailable");
            (await daemon.Client.GetAsync("/healthz")).Is(200);
        }

        (await daemon.Client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        Assert.DoesNotContain("session with the volume ended", daemon.Output, StringComparison.Ordinal);
        Assert.Contains(error, daemon.Output, StringComparison.Ordinal);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Where_IPv6_is_switched_off_the_watchdog_is_fed()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        using var supervisor = new Supervisor(TimeSpan.FromSeconds(2));
        string[] without = ["unshare", "-n", "sh", "-c", """ip link set lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=1; exec "$@" """, "sh"];
        area.Launch(supervisor, ["--Urls=http://*:33902", "--Security:AllowAnonymous=true"], without);
        await supervisor.HearsAsync("READY=1");
        await supervisor.HearsAsync("WATCHDOG=1");
    }

    [DaemonFact]
    public async Task It_starts_where_nothing_can_be_watched_any_more()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        string[] without = ["unshare", "-Ur", "sh", "-c", """echo 0 > /proc/sys/user/max_inotify_instances; exec "$@" """, "sh"];
        var daemon = area.Launch(without);
        await daemon.ReadyAsync();
    }
}
