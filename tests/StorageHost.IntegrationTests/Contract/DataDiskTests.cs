using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

[Collection(LabTests.Name)]
public sealed class DataDiskTests(Lab lab)
{
    [DaemonTheory, EveryStorage]
    public async Task A_second_disk_of_one_size_gets_a_number(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var client = (await area.StartAsync()).Client;
        foreach (var (size, file) in new[] { (5, "web01_storage_5G"), (5, "web01_storage_5G_1"), (5, "web01_storage_5G_2"), (6, "web01_storage_6G") })
        {
            var made = (await client.AddStorageAsync("web01", size)).Is(200);
            Assert.Equal("web01", made.GetProperty("hostname").GetString());
            Assert.Equal(file, made.GetProperty("disk").GetString());
            Assert.Equal(size, made.GetProperty("size_gb").GetInt32());
            area.Oracle.DataDisk(file);

            var path = Path.Combine(area.Directory, file);
            var info = JsonElement.Parse(await area.Places[0].RunAsync("qemu-img", "info", "-f", "qcow2", "--output=json", path));
            Assert.Equal("qcow2", info.GetProperty("format").GetString());
            Assert.Equal((long)size << 30, info.GetProperty("virtual-size").GetInt64());
            await area.Places[0].RunAsync("qemu-img", "check", "-f", "qcow2", path);
        }

        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task The_biggest_disk_that_is_allowed_needs_no_space_and_a_bigger_one_is_refused()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var client = (await area.StartAsync("--Disks:MaxSizeGb", "4096")).Client;
        (await client.AddStorageAsync("web01", 4096)).Is(200);
        area.Oracle.DataDisk("web01_storage_4096G");
        (await client.AddStorageAsync("web01", 4097)).RefusesFields("storageinfo.size");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Disks_asked_for_at_once_all_get_their_own_name()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var client = (await area.StartAsync()).Client;
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.AddStorageAsync("web01", 1)));
        var files = answers.Select(answer => answer.Is(200).GetProperty("disk").GetString()!).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(8, files.Count);
        foreach (var file in files)
        {
            area.Oracle.DataDisk(file);
        }

        await area.Oracle.CheckAsync();
    }
}
