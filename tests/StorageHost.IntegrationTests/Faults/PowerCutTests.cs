using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

[Collection(LabTests.Name)]
public sealed class PowerCutTests(Lab lab)
{
    [DaemonFact]
    public async Task What_was_acknowledged_is_there_after_the_power_comes_back()
    {
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "power", "1G");
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), Path.Combine(mountPoint, "images"), "power");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await Shell.RunAsync("sync", "-f", mountPoint);
        for (var round = 0; round < 5; round++)
        {
            var daemon = await area.StartAsync();
            await daemon.Client.FillAsync("centos", 2);
            (await daemon.Client.SetImageAsync("centos", $"web{round}")).Is(200);
            var data = (await daemon.Client.AddStorageAsync($"web{round}", 1)).Is(200).GetProperty("disk").GetString()!;

            // The file system stops as it is, with nothing of its log written that was not forced out.
            await Shell.RunAsync("xfs_io", "-x", "-c", "shutdown", mountPoint);
            await daemon.KillAsync();
            await Shell.RunAsync("umount", mountPoint);
            await Shell.RunAsync("mount", "-o", "loop", Path.Combine(Lab.Directory, "power.xfs"), mountPoint);
            area.Oracle.Disk($"web{round}", "centos");
            area.Oracle.DataDisk(data);

            var next = await area.StartAsync();
            await next.Client.PoolHoldsAsync("centos", 2);
            await area.Oracle.CheckAsync();
            await next.StopAsync();
        }
    }
}
