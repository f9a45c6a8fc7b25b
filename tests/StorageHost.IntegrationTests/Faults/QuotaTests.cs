using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>
/// A Gluster quota near its limit: it refuses to link a file into another directory when the file is larger than what is left, and lets a rename
/// through. Copies that exist can be claimed all the same, what cannot be used goes back, and the pool fills again with room.
/// </summary>
[Collection(LabTests.Name)]
public sealed class QuotaTests(Lab lab)
{
    private const string Name = "quota";
    private const int Mib = 40;
    private const int Level = 4;

    [DaemonFact]
    public async Task Copies_that_exist_can_be_claimed_when_the_quota_has_no_room_for_another()
    {
        var cluster = await lab.ClusterAsync();
        var volume = await cluster.AddVolumeAsync(Name, "replica", "3");
        try
        {
            await using var area = StorageArea.Make(volume, volume.MountPoint, Name);
            await area.PutTemplateAsync("centos", await lab.Masters.SolidAsync(Mib));
            string[] settings = ["--Storage:RescanInterval", "00:00:01", "--Storage:ReservePercent", "1"];
            await EnableAsync(cluster);
            var daemon = await area.StartAsync(settings);
            await daemon.Client.FillAsync("centos", Level);
            await LimitAsync(cluster, $"{((Level + 1) * Mib) + (Mib / 2)}MB");

            // The first claim is made at once, the next ones are made ahead. How many copies more there is room for is Gluster's to count, in its time.
            for (var number = 1; number < Level; number++)
            {
                Assert.Equal("pool", (await daemon.Client.SetImageAsync("centos", $"web{number}")).Is(200).GetProperty("source").GetString());
                area.Oracle.Disk($"web{number}", "centos");
                (await daemon.Client.GetAsync("/readyz")).Is(200);
            }

            (await daemon.Client.DeleteHostAsync("web1")).Is(200);
            (await daemon.Client.DeleteHostAsync("web2")).Is(200);
            area.Oracle.NoDisk("web1");
            area.Oracle.NoDisk("web2");
            await LimitAsync(cluster, $"{(2 * Level * Mib) + Mib}MB");
            await daemon.Client.PoolHoldsAsync("centos", Level, seconds: 90);
            await area.Oracle.CheckAsync(place: 2);
        }
        finally
        {
            await cluster.RemoveVolumeAsync(Name);
        }
    }

    // Before anything is there: while Gluster counts what it finds, renames say ENODATA.
    private static async Task EnableAsync(GlusterCluster cluster)
    {
        var node = cluster.Nodes[0];
        await Wait.UntilAsync("quotas to be enabled", async () => (await node.TryGlusterAsync("volume", "quota", Name, "enable")).ExitCode == 0, seconds: 60);
        await node.GlusterAsync("volume", "quota", Name, "hard-timeout", "0");
        await node.GlusterAsync("volume", "quota", Name, "soft-timeout", "0");
        await LimitAsync(cluster, "8GB");
    }

    private static Task LimitAsync(GlusterCluster cluster, string limit) => Wait.UntilAsync(
        $"the quota to be {limit}", async () => (await cluster.Nodes[0].TryGlusterAsync("volume", "quota", Name, "limit-usage", "/", limit)).ExitCode == 0, seconds: 60);
}
