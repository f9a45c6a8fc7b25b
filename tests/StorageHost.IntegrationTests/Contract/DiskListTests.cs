using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>The disks on a volume, and what can be done with one of them.</summary>
[Collection(LabTests.Name)]
public sealed class DiskListTests(Lab lab)
{
    [DaemonTheory, EveryStorage]
    public async Task Disks_are_listed_in_pages_and_one_of_them_grows_and_goes(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.RoomyAsync());
        var client = (await area.StartAsync("--Storage:IndexInterval", "00:00:01")).Client;
        (await client.SetImageAsync("centos", "web01")).Is(200);
        (await client.SetImageAsync("centos", "web02", 3)).Is(200);
        (await client.AddStorageAsync("web01", 1)).Is(200);
        area.Oracle.Disk("web01", "centos");
        area.Oracle.SizedDisk("web02", "centos", 3);
        area.Oracle.DataDisk("web01_storage_1G");

        await Wait.UntilAsync("the disks to be listed", async () => (await ListAsync(client, "")).Length == 3);
        Assert.Equal(["web01.qcow2", "web01_storage_1G", "web02.qcow2"], await ListAsync(client, ""), StringComparer.Ordinal);
        Assert.Equal(["web01.qcow2", "web01_storage_1G"], await ListAsync(client, "?host=web01&limit=1000"), StringComparer.Ordinal);
        Assert.Equal(["web01.qcow2", "web02.qcow2"], await ListAsync(client, "?image=centos"), StringComparer.Ordinal);
        Assert.Equal(["web01_storage_1G"], await ListAsync(client, "?kind=data"), StringComparer.Ordinal);
        Assert.Equal(["web02.qcow2"], await ListAsync(client, "?after=web01_storage_1G&limit=1"), StringComparer.Ordinal);
        await area.Oracle.CheckAsync();

        var disk = (await client.GetAsync("/disks/web02.qcow2")).Is(200);
        Assert.Equal(
            ("system", "qcow2", 3L << 30, "centos", true, false),
            (disk.GetProperty("kind").GetString(), disk.GetProperty("format").GetString(), disk.GetProperty("virtual_size_bytes").GetInt64(),
                disk.GetProperty("image").GetString(), disk.GetProperty("current").GetBoolean(), disk.GetProperty("in_use").GetBoolean()));
        Assert.InRange(DateTimeOffset.Parse(disk.GetProperty("created").GetString()!, CultureInfo.InvariantCulture), DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddSeconds(5));

        var grown = await client.SendAsync(HttpMethod.Post, "/disks/web02.qcow2", """{"size_gb":80}""");
        Assert.Equal(80L << 30, grown.Is(200).GetProperty("virtual_size_bytes").GetInt64());
        area.Oracle.SizedDisk("web02", "centos", 80);
        await area.Oracle.CheckAsync();
        (await client.SendAsync(HttpMethod.Post, "/disks/web02.qcow2", """{"size_gb":79}""")).Refuses(400, "invalid_payload");
        (await client.SendAsync(HttpMethod.Post, "/disks/web03.qcow2", """{"size_gb":79}""")).Refuses(404, "disk_not_found");
        (await client.GetAsync("/disks/web03.qcow2")).Refuses(404, "disk_not_found");

        Assert.Equal(["web01.qcow2"], (await client.SendAsync(HttpMethod.Delete, "/disks/web01.qcow2")).Is(200).Strings("removed"));
        Assert.Equal(["web01_storage_1G"], (await client.SendAsync(HttpMethod.Delete, "/disks/web01_storage_1G")).Is(200).Strings("removed"));
        area.Oracle.NoDisk("web01");
        area.Oracle.NoDataDisk("web01_storage_1G");
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory, EveryStorage]
    public async Task A_disk_that_a_guest_has_open_does_not_grow(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        (await client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await using (await HeldDisk.OpenAsync(area, "web01.qcow2"))
        {
            Assert.True((await client.GetAsync("/disks/web01.qcow2")).Is(200).GetProperty("in_use").GetBoolean());
            (await client.SendAsync(HttpMethod.Post, "/disks/web01.qcow2", """{"size_gb":80}""")).Refuses(409, "disk_in_use");
        }

        Assert.False((await client.GetAsync("/disks/web01.qcow2")).Is(200).GetProperty("in_use").GetBoolean());
        await area.Oracle.CheckAsync();
    }

    private static async Task<string[]> ListAsync(Client client, string query) =>
        [.. (await client.GetAsync($"/disks{query}")).Is(200).GetProperty("disks").EnumerateArray().Select(disk => disk.GetProperty("disk").GetString()!)];
}
