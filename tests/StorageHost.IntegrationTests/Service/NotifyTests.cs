using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Service;

/// <summary>What the daemon tells who has started it, in systemd's place.</summary>
[Collection(LabTests.Name)]
public sealed class NotifyTests(Lab lab)
{
    [DaemonFact]
    public async Task Its_life_is_told_from_the_start_to_the_end()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        using var supervisor = new Supervisor(TimeSpan.FromSeconds(2));
        var daemon = area.Launch(supervisor, []);
        await supervisor.HearsAsync("READY=1");
        (await daemon.Client.GetAsync("/healthz")).Is(200);
        await supervisor.HearsAsync($"STATUS=Serving {area.Directory}: 0 of 0 copies ready");
        await daemon.Client.FillAsync("centos", 2);
        await supervisor.HearsAsync($"STATUS=Serving {area.Directory}: 2 of 2 copies ready");
        await supervisor.HearsAsync("WATCHDOG=1");

        // Between RELOADING and READY nobody is turned away; the time is that of the machine's monotonic clock.
        var before = supervisor.Count;
        using (var pulse = new Pulse(daemon.Client.Address))
        {
            Signal.Send(Signal.Hangup, daemon.Pid);
            var reloading = await supervisor.HearsAsync("RELOADING=1\nMONOTONIC_USEC=", before);
            await supervisor.HearsAsync("READY=1", before);
            var since = TimeSpan.FromMilliseconds(Environment.TickCount64) - TimeSpan.FromMicroseconds(long.Parse(reloading.Split('=')[^1], System.Globalization.CultureInfo.InvariantCulture));
            Assert.InRange(since, TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(20));
            Assert.Null(pulse.Fault);
        }

        Assert.Equal(0, await daemon.StopAsync());
        await supervisor.HearsAsync("STOPPING=1\nSTATUS=Stopping");
        Assert.StartsWith("STOPPING=1", supervisor.LastOfService, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task While_the_storage_hangs_the_watchdog_is_fed_and_the_status_tells()
    {
        const string Name = "watched";
        var cluster = await lab.ClusterAsync();
        var volume = await cluster.AddVolumeAsync(Name);
        await using var area = StorageArea.Make(volume, volume.MountPoint, Name);
        using var supervisor = new Supervisor(TimeSpan.FromSeconds(2));
        area.Launch(supervisor, ["--Storage:OperationTimeout", "00:00:01"]);
        await supervisor.HearsAsync("STATUS=Serving ");

        var fuse = await cluster.Nodes[0].FuseClientAsync(Name);
        int told;
        Signal.Send(Signal.Stop, fuse);
        try
        {
            var before = supervisor.Count;
            await supervisor.HearsAsync($"STATUS={area.Directory} is not served: the storage did", before);
            before = supervisor.Count;

            // Four times within two seconds, for as long as it hangs; on a busy machine less often.
            for (var times = 0; times < 8; times++)
            {
                await supervisor.HearsAsync("WATCHDOG=1", before, seconds: 4);
                before = supervisor.Count;
            }
        }
        finally
        {
            told = supervisor.Count;
            Signal.Send(Signal.Continue, fuse);
        }

        await supervisor.HearsAsync("STATUS=Serving ", told, seconds: 30);
    }
}
