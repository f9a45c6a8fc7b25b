using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>A volume is unmounted, and below it there is a directory on a file system of the same type.</summary>
[Collection(LabTests.Name)]
public sealed class UnmountTests(Lab lab)
{
    [DaemonFact]
    public async Task What_lies_below_a_volume_is_not_served_in_its_place()
    {
        var outer = await lab.VolumeAsync(StorageKind.PlainXfs);
        var mountPoint = await LoopDevice.MountXfsAsync(outer.MountPoint, "inner", "512M");
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), mountPoint, "inner");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync("--Storage:RescanInterval", "00:00:01")).Client;
        (await client.SetImageAsync("centos", "web01")).Is(200);

        await Shell.RunAsync("umount", "-l", mountPoint);
        await Wait.UntilAsync("readiness to tell", async () => await client.StatusAsync("/readyz") == 503);
        var answer = await client.SetImageAsync("centos", "web02");
        answer.Refuses(503, "storage_unavailable");
        Assert.Contains("what was mounted on the storage directory is not mounted any more", answer.Text, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(mountPoint));
    }
}
