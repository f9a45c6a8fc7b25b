using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

[Collection(LabTests.Name)]
public sealed class PoolTests(Lab lab)
{
    [DaemonTheory, EveryStorage]
    public async Task A_level_is_filled_claimed_from_and_filled_again(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;

        var pool = (await client.DupAsync("centos", 3)).Is(200).GetProperty("pools").EnumerateArray().Single();
        Assert.Equal("centos", pool.GetProperty("image").GetString());
        Assert.Equal(3, pool.GetProperty("wanted").GetInt32());
        await client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();

        foreach (var host in new[] { "web01", "web02" })
        {
            var disk = (await client.SetImageAsync("centos", host)).Is(200);
            Assert.Equal("pool", disk.GetProperty("source").GetString());
            area.Oracle.Disk(host, "centos");
        }

        await client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
        Assert.Equal(2, await client.PoolAsync("centos", "hits"));
        Assert.Equal(0, await client.PoolAsync("centos", "misses"));
    }

    [DaemonTheory, EveryStorage]
    public async Task A_level_is_no_increment_a_lower_one_trims_and_zero_empties(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;

        foreach (var wanted in new[] { 4, 4, 2, 0, 1 })
        {
            await client.FillAsync("centos", wanted);
            Assert.Equal(wanted, await client.PoolAsync("centos", "wanted"));
            await Wait.UntilAsync($"{wanted} copies to be on the storage", async () => (await CopiesAsync(area)).Length == wanted, seconds: 5);
            await area.Oracle.CheckAsync();
        }
    }

    [DaemonTheory, EveryStorage]
    public async Task Copies_of_a_replaced_template_are_retired_and_never_handed_out(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync("b"));
        var client = (await area.StartAsync("--Storage:RescanInterval", "00:00:02")).Client;
        await client.FillAsync("centos", 3);

        // Nobody has to ask for one of them first, nor does anything claim them ahead yet.
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await Wait.UntilAsync("copies of the old template to be retired", async () => (await area.Oracle.BrokenCopiesAsync()).Count == 0);
        await client.PoolHoldsAsync("centos", 3);
        area.Oracle.Disk((await client.SetImageAsync("centos", "before")).Is(200).GetProperty("hostname").GetString()!, "centos");
        await client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();

        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync("b"));
        (await client.SetImageAsync("centos", "after")).Is(200);
        area.Oracle.Disk("after", "centos");
        await area.Oracle.CheckAsync();

        await client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory, EveryStorage]
    public async Task Levels_and_ready_copies_outlive_the_daemon(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.SparseAsync());
        var first = await area.StartAsync();
        await first.Client.FillAsync("centos", 3);
        await first.Client.FillAsync("debian12", 1);
        Assert.Equal(0, await first.StopAsync());
        await area.Oracle.CheckAsync();
        var copies = await CopiesAsync(area);

        var second = await area.StartAsync();
        await second.Client.PoolHoldsAsync("centos", 3);
        await second.Client.PoolHoldsAsync("debian12", 1);
        Assert.Equal(copies, await CopiesAsync(area));
        Assert.Equal("pool", (await second.Client.SetImageAsync("centos", "web01")).Is(200).GetProperty("source").GetString());
        area.Oracle.Disk("web01", "centos");
        await second.Client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Ready_copies_of_a_template_replaced_while_no_daemon_ran_are_not_handed_out()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var first = await area.StartAsync();
        await first.Client.FillAsync("centos", 2);
        await first.StopAsync();

        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync("b"));
        var second = await area.StartAsync();
        (await second.Client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await second.Client.PoolHoldsAsync("centos", 2);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_level_for_an_image_that_is_not_there_changes_no_other_level()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        (await client.PostAsync(new { action = "dup", duplicateinfo = new { centos = 2, nope = 1 } })).Refuses(404, "image_not_found");
        Assert.Equal(0, await client.PoolAsync("centos", "wanted"));
        (await client.GetAsync("/pools/nope")).Refuses(404, "image_not_found");
        await area.Oracle.CheckAsync();
    }

    private static async Task<string[]> CopiesAsync(StorageArea area) =>
        [.. (await FoundFile.ListAsync(area.Seen())).Where(file => file.ImageOfCopy is not null).Select(file => $"{file.Name} {file.Inode}").Order(StringComparer.Ordinal)];
}
