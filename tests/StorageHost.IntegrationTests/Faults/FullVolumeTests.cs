using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

[Collection(LabTests.Name)]
public sealed class FullVolumeTests(Lab lab)
{
    [DaemonFact]
    public async Task What_does_not_fit_is_refused_and_leaves_no_piece_behind()
    {
        await using var area = await SmallVolumeAsync("full");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(160));
        var client = (await area.StartAsync("--Storage:ReservePercent", "0")).Client;
        (await client.SetImageAsync("big", "web01")).Is(200);
        area.Oracle.Disk("web01", "big");

        (await client.SetImageAsync("big", "web02")).Refuses(507, "no_space");
        await area.Oracle.CheckAsync();

        // A qcow2 is thin: however big the disk is for its guest, there is room for its header.
        (await client.AddStorageAsync("web01", 1000)).Is(200);
        area.Oracle.DataDisk("web01_storage_1000G");
        (await client.SetImageAsync("centos", "web03")).Is(200);
        area.Oracle.Disk("web03", "centos");
        (await client.DeleteHostAsync("web01")).Is(200);
        area.Oracle.NoDisk("web01");

        // Its file is kept open, and so its room taken, until no QEMU can be about to lock it.
        await Wait.UntilAsync("room for web02", async () => (await client.SetImageAsync("big", "web02")).Status == 200);
        area.Oracle.Disk("web02", "big");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task No_copy_is_made_that_would_break_the_reserve()
    {
        await using var area = await SmallVolumeAsync("reserve");
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(100));
        var client = (await area.StartAsync("--Storage:ReservePercent", "30")).Client;
        (await client.DupAsync("big", 5)).Is(200);
        await Wait.UntilAsync("the pool to hold what fits", async () =>
            (await client.GetAsync("/pools/big")).Is(200) is var pool && pool.GetProperty("ready").GetInt32() == 1 && pool.GetProperty("copying").GetInt32() == 0);
        await area.Oracle.CheckAsync();
        var free = (await Shell.RunAsync("df", "--output=avail,size", "-k", area.Seen())).Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var share = double.Parse(free[0], System.Globalization.CultureInfo.InvariantCulture) / double.Parse(free[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(share > 0.29, $"only {share:P0} is free");
    }

    private static async Task<StorageArea> SmallVolumeAsync(string name)
    {
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, name, "420M", reflink: false);
        return StorageArea.Make(new Volume(mountPoint, [Place.Here]), mountPoint, name);
    }
}
