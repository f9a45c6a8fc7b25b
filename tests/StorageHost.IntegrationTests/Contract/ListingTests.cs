using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

[Collection(LabTests.Name)]
public sealed class ListingTests(Lab lab)
{
    [DaemonTheory, EveryStorage]
    public async Task Templates_are_listed_sorted_and_nothing_else_is(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await area.StartAsync();
        Assert.Empty(await daemon.Client.ImagesAsync());

        foreach (var image in new[] { "windows7", "centos", "Arch", "debian12" })
        {
            await area.PutTemplateAsync(image, await lab.Masters.SmallAsync());
        }

        // Files of others that look nearly right, and are no business of the daemon.
        string[] strangers = ["_template.img", "centos_template.img.bak", "..img_template.img", "notes.txt", "centos_dup_x_ready", "web01.qcow2.tmp"];
        foreach (var stranger in strangers)
        {
            await File.WriteAllTextAsync(area.Seen(stranger), "mine");
            area.Oracle.DataDisk(stranger);
        }

        Directory.CreateDirectory(area.Seen("folder_template.img"));
        Assert.Equal(["Arch", "centos", "debian12", "windows7"], await daemon.Client.ImagesAsync());
        await daemon.Client.FillAsync("centos", 1);
        Assert.Equal(0, await daemon.StopAsync());
        Directory.Delete(area.Seen("folder_template.img"));
        Assert.All(strangers, stranger => Assert.Equal("mine", File.ReadAllText(area.Seen(stranger))));
    }

    [DaemonFact]
    public async Task A_directory_of_the_daemon_that_was_there_before_is_taken_over()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var master = await lab.Masters.SmallAsync();
        await area.PutTemplateAsync("centos", master);
        File.Copy(master, area.Seen("old01.qcow2"));
        area.Oracle.Disk("old01", "centos");
        await File.WriteAllTextAsync(area.Seen("centos_dup_7copying"), "half");
        await File.WriteAllTextAsync(area.Seen("centos_dup_1_ready"), "a copy that nobody here has made");

        var client = (await area.StartAsync("--Storage:RescanInterval", "00:00:01")).Client;
        (await client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await client.FillAsync("centos", 2);

        // It is swept only when it does not change for a while.
        await area.Oracle.CheckAsync(seconds: 30);
        (await client.SetImageAsync("centos", "old01")).Refuses(409, "host_exists");
        (await client.DeleteHostAsync("old01")).Is(200);
        area.Oracle.NoDisk("old01");
        await area.Oracle.CheckAsync();
    }
}
