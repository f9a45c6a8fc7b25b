using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

[Collection(LabTests.Name)]
public sealed class DeleteHostTests(Lab lab)
{
    [DaemonTheory, EveryStorage]
    public async Task Data_disks_stay_and_are_named_until_a_purge(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var client = await WithDisksOfAsync(area, await lab.Masters.LargeAsync(), "web01", "web011", "web01.old");

        var removed = (await client.DeleteHostAsync("web01")).Is(200);
        Assert.Equal("web01", removed.GetProperty("hostname").GetString());
        Assert.Equal("web01.qcow2", Assert.Single(removed.Strings("removed")));
        Assert.Equal("web01_storage_1G", Assert.Single(removed.Strings("kept")));
        area.Oracle.NoDisk("web01");
        await area.Oracle.CheckAsync();
        (await client.DeleteHostAsync("web01")).Refuses(404, "host_not_found");

        (await client.SetImageAsync("centos", "web01")).Is(200);
        var purged = (await client.DeleteHostAsync("web01", purge: true)).Is(200);
        Assert.Equal(["web01.qcow2", "web01_storage_1G"], purged.Strings("removed").Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Empty(purged.Strings("kept"));
        area.Oracle.NoDataDisk("web01_storage_1G");
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory, EveryStorage]
    public async Task A_disk_that_a_guest_holds_open_is_neither_deleted_nor_replaced(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var client = await WithDisksAsync(area, "web01");
        for (var turn = 0; turn < Math.Max(area.Places.Count, HeldDisk.Programs.Count); turn++)
        {
            var program = HeldDisk.Programs[turn % HeldDisk.Programs.Count];
            await using var guest = await HeldDisk.OpenAsync(area, "web01.qcow2", turn % area.Places.Count, program);
            (await client.DeleteHostAsync("web01")).Refuses(409, "disk_in_use");
            (await client.DeleteHostAsync("web01", purge: true)).Refuses(409, "disk_in_use");
            (await client.SetImageAsync("centos", "web01")).Refuses(409, "host_exists");
            (await client.SetImageAsync("centos", "web01", key: program)).Refuses(409, "host_exists");
        }

        await area.Oracle.CheckAsync();
        await Wait.UntilAsync("the disk to be let go", async () => (await client.DeleteHostAsync("web01")).Status == 200);
        area.Oracle.NoDisk("web01");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_purge_deletes_nothing_while_one_data_disk_is_held_open()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var client = await WithDisksAsync(area, "web01");
        await using var guest = await HeldDisk.OpenAsync(area, "web01_storage_1G");
        (await client.DeleteHostAsync("web01", purge: true)).Refuses(409, "disk_in_use");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Names_that_lead_elsewhere_touch_nothing()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var client = await WithDisksAsync(area, "web01");
        var outside = Path.GetFullPath(Path.Combine(area.Seen(), "../../x.qcow2"));
        await File.WriteAllTextAsync(outside, "not yours");
        foreach (var name in new[] { "../../x", "..", ".", "", "a/b", "/etc/passwd", "web01\0", "web01\n", ".storagehost", "-rf", "wéb", "web01_storage_1G", new string('x', 101) })
        {
            (await client.DeleteHostAsync(name, purge: true)).RefusesFields("target");
            (await client.SetImageAsync("centos", name)).RefusesFields("createvmform.hostname");
            (await client.SetImageAsync(name.Replace("_storage_", "_dup_", StringComparison.Ordinal), "web09")).RefusesFields("createvmform.image");
            (await client.AddStorageAsync(name, 1)).RefusesFields("storageinfo.hostname");
        }

        Assert.Equal("not yours", await File.ReadAllTextAsync(outside));
        File.Delete(outside);
        await area.Oracle.CheckAsync();
    }

    private async Task<Client> WithDisksAsync(StorageArea area, params string[] hosts) => await WithDisksOfAsync(area, await lab.Masters.SmallAsync(), hosts);

    private static async Task<Client> WithDisksOfAsync(StorageArea area, string master, params string[] hosts)
    {
        await area.PutTemplateAsync("centos", master);
        var client = (await area.StartAsync()).Client;
        foreach (var host in hosts)
        {
            (await client.SetImageAsync("centos", host)).Is(200);
            area.Oracle.Disk(host, "centos");
            area.Oracle.DataDisk((await client.AddStorageAsync(host, 1)).Is(200).GetProperty("disk").GetString()!);
        }

        return client;
    }
}
