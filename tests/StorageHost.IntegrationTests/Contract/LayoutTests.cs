using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>What a daemon is for, on every other layout that Gluster has for virtual machines.</summary>
[Collection(LabTests.Name)]
public sealed class LayoutTests(Lab lab)
{
    private static readonly string[] Quick = ["--Storage:RescanInterval", "00:00:01"];

    /// <summary>The name, the words for <c>gluster volume create</c>, the bricks of each node, and whether <c>group virt</c> is set.</summary>
    public static TheoryData<string, string, int, bool> Layouts => new()
    {
        { "arbiter", "replica 2 arbiter 1", 1, true },
        { "arbiter", "replica 2 arbiter 1", 1, false },
        { "disperse", "disperse 3 redundancy 1", 1, true },
        { "disperse", "disperse 3 redundancy 1", 1, false },
        { "twice3", "replica 3", 2, true },
        { "twice3", "replica 3", 2, false },
    };

    [DaemonTheory, MemberData(nameof(Layouts))]
    public async Task A_disk_is_given_kept_and_deleted_and_a_daemon_that_dies_leaves_all_in_order(string name, string layout, int bricks, bool forMachines)
    {
        await using var volume = await OwnVolume.MakeAsync(lab, forMachines ? $"{name}-virt" : name, layout.Split(' '), forMachines ? [GlusterCluster.ForMachines] : [], bricks);
        var area = volume.Area;
        await area.PutTemplateAsync("centos", await lab.Masters.LargeAsync());
        var daemon = await area.StartAsync(Quick);
        var client = daemon.Client;
        await client.FillAsync("centos", 2);
        await IsGivenAsync(area, client, "web01", "pool");
        await client.FillAsync("centos", 0);
        await IsGivenAsync(area, client, "web02", "copy", "pool"); // what was under way for the level before may come in yet
        area.Oracle.DataDisk((await client.AddStorageAsync("web02", 1)).Is(200).GetProperty("disk").GetString()!);
        (await client.DeleteHostAsync("web01")).Is(200);
        area.Oracle.NoDisk("web01");
        await area.Oracle.CheckAsync();

        await client.FillAsync("centos", 3);
        var claims = Enumerable.Range(3, 3).Select(number => IsGivenOrNotAsync(area, client, $"web0{number}")).ToArray();
        await Task.WhenAny(claims);
        await daemon.KillAsync();
        await Task.WhenAll(claims);
        await (await area.StartAtAsync(1, Quick)).Client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync(place: 2);
    }

    private static async Task IsGivenAsync(StorageArea area, Client client, string host, params string[] sources)
    {
        var answer = (await client.SetImageAsync("centos", host)).Is(200);
        Assert.Contains(answer.GetProperty("source").GetString(), sources, StringComparer.Ordinal);
        area.Oracle.Disk(host, "centos");
    }

    private static async Task IsGivenOrNotAsync(StorageArea area, Client client, string host)
    {
        var isGiven = false;
        try
        {
            isGiven = (await client.SetImageAsync("centos", host)).Status == 200;
        }
        catch (HttpRequestException)
        {
            // The daemon was killed.
        }

        lock (area.Oracle)
        {
            area.Oracle.Expect($"{host}.qcow2", isGiven, area.Oracle.MasterOf("centos"));
        }
    }
}
