using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>A request that got no answer is sent again with its key, to the same daemon, after its death, or to another node.</summary>
[Collection(LabTests.Name)]
public sealed class RepeatedRequestTests(Lab lab)
{
    [DaemonTheory]
    [InlineData(StorageKind.Replica3)]
    [InlineData(StorageKind.Distribute)]
    public async Task A_request_sent_again_has_the_outcome_of_the_first(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var first = await area.StartAsync();
        await first.Client.FillAsync("centos", 1);
        var disk = (await first.Client.SetImageAsync("centos", "web01", key: "a")).Is(200).ToString();
        var data = (await first.Client.AddStorageAsync("web01", 1, key: "b")).Is(200).ToString();
        area.Oracle.Disk("web01", "centos");
        area.Oracle.DataDisk("web01_storage_1G");

        await AgainAsync(first.Client);
        await first.KillAsync();
        await AgainAsync((await area.StartAsync()).Client);
        var other = await area.StartAtAsync(1);
        await AgainAsync(other.Client);

        (await other.Client.SetImageAsync("centos", "web01", key: "c")).Refuses(409, "host_exists");
        (await other.Client.SetImageAsync("centos", "web01")).Refuses(409, "host_exists");
        Assert.Equal("web01_storage_1G_1", (await other.Client.AddStorageAsync("web01", 1, key: "d")).Is(200).GetProperty("disk").GetString());
        area.Oracle.DataDisk("web01_storage_1G_1");
        await area.Oracle.CheckAsync();

        async Task AgainAsync(Client client)
        {
            Assert.Equal(disk, (await client.SetImageAsync("centos", "web01", key: "a")).Is(200).ToString());
            Assert.Equal(data, (await client.AddStorageAsync("web01", 1, key: "b")).Is(200).ToString());
        }
    }

    [DaemonFact]
    public async Task A_request_sent_many_times_at_once_makes_one_disk()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(_ => new[] { client.SetImageAsync("centos", "web01", key: "a"), client.AddStorageAsync("web01", 1, key: "b") }));
        string[] disks = [.. answers.Select(answer => answer.Is(200).GetProperty("disk").GetString()!).ToHashSet(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Assert.Equal("web01.qcow2 web01_storage_1G", string.Join(' ', disks));
        area.Oracle.Disk("web01", "centos");
        area.Oracle.DataDisk("web01_storage_1G");
        await area.Oracle.CheckAsync();
    }
}
