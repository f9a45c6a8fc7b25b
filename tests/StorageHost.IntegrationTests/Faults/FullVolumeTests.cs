using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

[Collection(LabTests.Name)]
public sealed class FullVolumeTests(Lab lab)
{
    private const string Id = "ssd";

    // The last setting of a name counts.
    private static readonly string[] Settings = [.. StorageView.Quick, "--Storage:VolumeId", Id, "--Storage:RescanInterval", "00:00:01"];

    [DaemonFact]
    public async Task What_does_not_fit_is_refused_and_leaves_no_piece_behind()
    {
        await using var area = await SmallVolumeAsync("full");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(160));
        var client = (await area.StartAsync(Settings)).Client;
        (await client.SetImageAsync("big", "web01")).Is(200);
        area.Oracle.Disk("web01", "big");

        (await client.SetImageAsync("big", "web02")).Refuses(507, "no_space");
        await client.VolumeIsAsync(StorageView.Local, Id, "degraded", ["another copy of big would take the volume below its reserve of 0 %: it needs 160 MB, "]);
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

        // There is no room for a third one; without the template nobody can ask for it.
        (await client.SetImageAsync("big", "web04")).Refuses(507, "no_space");
        await client.VolumeIsAsync(StorageView.Local, Id, "degraded", ["another copy of big"]);
        (await client.DeleteHostAsync("web02")).Is(200);
        area.Oracle.NoDisk("web02");
        await client.VolumeIsWellAsync(StorageView.Local, Id);
    }

    [DaemonFact]
    public async Task A_volume_without_room_for_anything_says_the_numbers_until_there_is_some()
    {
        await using var area = await SmallVolumeAsync("brimful");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync([.. Settings, "--Storage:ReservePercent", "1"])).Client;
        await client.VolumeIsWellAsync(StorageView.Local, Id);
        var filler = Directory.CreateDirectory(area.Seen("filler")).FullName;
        foreach (var block in new[] { "1M", "64k", "512" })
        {
            // That there is no more room is how each ends.
            await Shell.TryAsync("dd", "if=/dev/zero", $"of={filler}/{block}", $"bs={block}", "status=none");
        }

        var refused = (await client.AddStorageAsync("web01", 1)).Refuses(507, "no_space").Text("message");
        Assert.Matches("^the volume is full: 0 of [0-9]{3} MB are free, [34] MB are the reserve\\z", refused);
        await client.VolumeIsAsync(StorageView.Local, Id, "degraded", [refused]);

        Directory.Delete(filler, recursive: true);
        await client.VolumeIsWellAsync(StorageView.Local, Id);
        (await client.AddStorageAsync("web01", 1)).Is(200);
        area.Oracle.DataDisk("web01_storage_1G");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task No_copy_is_made_that_would_break_the_reserve()
    {
        await using var area = await SmallVolumeAsync("reserve");
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(100));
        var client = (await area.StartAsync([.. Settings, "--Storage:ReservePercent", "30"])).Client;
        (await client.DupAsync("big", 5)).Is(200);
        await Wait.UntilAsync("the pool to hold what fits", async () =>
            (await client.GetAsync("/pools/big")).Is(200) is var pool && pool.GetProperty("ready").GetInt32() == 1 && pool.GetProperty("copying").GetInt32() == 0);
        await area.Oracle.CheckAsync();
        var free = (await Shell.RunAsync("df", "--output=avail,size", "-k", area.Seen())).Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var share = double.Parse(free[0], System.Globalization.CultureInfo.InvariantCulture) / double.Parse(free[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(share > 0.29, $"only {share:P0} is free");

        await client.VolumeIsAsync(StorageView.Local, Id, "degraded", ["another copy of big would", " of 30 %: it needs 100 MB, ", " MB are free, ", " MB are the reserve"]);
        (await client.DupAsync("big", 0)).Is(200);
        await client.VolumeIsWellAsync(StorageView.Local, Id);
    }

    private static async Task<StorageArea> SmallVolumeAsync(string name)
    {
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, name, "420M", reflink: false);
        return StorageArea.Make(new Volume(mountPoint, [Place.Here]), mountPoint, name);
    }
}
