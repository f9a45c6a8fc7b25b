using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

[Collection(LabTests.Name)]
public sealed class DeleteImageTests(Lab lab)
{
    [DaemonTheory, EveryStorage]
    public async Task Only_that_image_its_copies_and_its_level_go(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var client = await WithTemplatesAsync(area, "cent", "centos", "centos7");
        foreach (var image in new[] { "cent", "centos", "centos7" })
        {
            await client.FillAsync(image, 2);
        }

        (await client.SetImageAsync("cent", "web01")).Is(200);
        area.Oracle.Disk("web01", "cent");
        await client.PoolHoldsAsync("cent", 2);

        var removed = (await client.DeleteImageAsync("cent")).Is(200);
        Assert.Equal("cent", removed.GetProperty("image").GetString());
        Assert.Contains("cent_template.img", removed.Strings("removed"), StringComparer.Ordinal);
        Assert.All(removed.Strings("removed"), file => Assert.True(file.StartsWith("cent_", StringComparison.Ordinal), file));
        area.Oracle.NoTemplate("cent");
        await area.Oracle.CheckAsync();

        Assert.Equal(["centos", "centos7"], await client.ImagesAsync());
        Assert.Equal(2, await client.PoolAsync("centos", "ready"));
        Assert.Equal(2, await client.PoolAsync("centos7", "ready"));
        (await client.SetImageAsync("cent", "web02")).Refuses(404, "image_not_found");
        (await client.DeleteImageAsync("cent")).Refuses(404, "image_not_found");

        await area.PutTemplateAsync("cent", await lab.Masters.SmallAsync());
        (await client.SetImageAsync("cent", "web03")).Is(200);
        area.Oracle.Disk("web03", "cent");
        await client.PoolHoldsAsync("cent", 0);
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory, EveryStorage]
    public async Task A_template_that_a_linked_clone_needs_is_not_deleted(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var client = await WithTemplatesAsync(area, "centos", "debian12");
        await area.Places[0].RunAsync(
            "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "centos_template.img", Path.Combine(area.Directory, "linked.qcow2"));
        area.Oracle.DataDisk("linked.qcow2");

        (await client.DeleteImageAsync("centos")).Refuses(409, "image_in_use");
        (await client.DeleteImageAsync("debian12")).Is(200);
        area.Oracle.NoTemplate("debian12");
        await area.Oracle.CheckAsync();

        (await client.DeleteHostAsync("linked")).Is(200);
        area.Oracle.NoDataDisk("linked.qcow2");
        (await client.DeleteImageAsync("centos")).Is(200);
        area.Oracle.NoTemplate("centos");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Copying_is_stopped_before_its_template_goes()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(160));
        var daemon = await area.StartAsync();
        var client = daemon.Client;
        await using var slow = await Interceptor.SlowWritesAsync(daemon, area, 10);
        (await client.DupAsync("big", 5)).Is(200);
        var waiting = client.SetImageAsync("big", "web01");
        var job = (await client.CopyingAsync("big", 1)).GetProperty("id").GetString();

        (await client.DeleteImageAsync("big")).Is(200);
        area.Oracle.NoTemplate("big");
        (await waiting).Refuses(404, "image_not_found");
        Assert.Equal("cancelled", (await client.GetAsync($"/jobs/{job}")).Is(200).State());
        await area.Oracle.CheckAsync();
    }

    private async Task<Client> WithTemplatesAsync(StorageArea area, params string[] images)
    {
        foreach (var image in images)
        {
            await area.PutTemplateAsync(image, await (image == "cent" ? lab.Masters.LargeAsync() : lab.Masters.SmallAsync(image)));
        }

        return (await area.StartAsync()).Client;
    }
}
