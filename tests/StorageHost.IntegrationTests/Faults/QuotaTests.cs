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
            await EnableAsync(cluster, Name);
            var daemon = await area.StartAsync(settings);
            await daemon.Client.FillAsync("centos", Level);
            await LimitAsync(cluster, Name, $"{((Level + 1) * Mib) + (Mib / 2)}MB");

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
            await LimitAsync(cluster, Name, $"{(2 * Level * Mib) + Mib}MB");
            await daemon.Client.PoolHoldsAsync("centos", Level, seconds: 90);
            await area.Oracle.CheckAsync(place: 2);
        }
        finally
        {
            await cluster.RemoveVolumeAsync(Name);
        }
    }

    /// <summary>Of bytes and of files: one limit is reached, and then there is room again.</summary>
    [DaemonTheory]
    [InlineData("limit-usage", "64MB", "8GB")]
    [InlineData("limit-objects", "40", "4000")]
    public async Task Who_needs_room_is_told_that_the_quota_is_used_up_and_is_served_when_it_is_raised(string kind, string limit, string raised)
    {
        const string Words = "the quota on the volume is used up";
        var name = kind.Replace("limit", Name, StringComparison.Ordinal);
        var cluster = await lab.ClusterAsync();
        var volume = await cluster.AddVolumeAsync(name, "replica", "3");
        try
        {
            await using var area = StorageArea.Make(volume, volume.MountPoint, name);
            await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
            await EnableAsync(cluster, name);

            // Gluster is slow to begin with a quota.
            string[] settings = [.. StorageView.Quick, "--Storage:RescanInterval", "00:00:01", "--Storage:OperationTimeout", "00:00:20"];
            var client = (await area.StartAsync(settings)).Client;
            await client.FillAsync("centos", 1);
            await client.VolumeIsWellAsync(StorageView.Gluster, name);

            await LimitAsync(cluster, name, limit, kind);
            var filler = Directory.CreateDirectory(area.Seen("filler")).FullName;
            await Wait.UntilAsync("a disk to be refused", async () =>
            {
                await FillUpAsync(filler, kind);
                var answer = await client.AddStorageAsync("web01", 1);
                if (answer.Status == 200)
                {
                    // Gluster has not counted all of it yet.
                    area.Oracle.DataDisk(answer.Is(200).Text("disk"));
                    return false;
                }

                Assert.Equal(Words, answer.Refuses(507, "no_space").Text("message"));
                return true;
            }, seconds: 60);
            await client.VolumeIsAsync(StorageView.Gluster, name, "degraded", [Words]);
            (await client.GetAsync("/readyz")).Is(200);

            // A write that one brick took and another refused waits to be healed.
            await LimitAsync(cluster, name, raised, kind);
            await Wait.UntilAsync("the volume to be well", async () =>
            {
                await cluster.Nodes[0].TryGlusterAsync("volume", "heal", name);
                return (await client.VolumeAsync(StorageView.Gluster, name))!.Value.Text("status") == "ok";
            }, seconds: 90, TimeSpan.FromSeconds(2));
            area.Oracle.DataDisk((await client.AddStorageAsync("web02", 1)).Is(200).Text("disk"));
            Directory.Delete(filler, recursive: true);
            await area.Oracle.CheckAsync(place: 2);
        }
        finally
        {
            await cluster.RemoveVolumeAsync(name);
        }
    }

    // That there is no more room is how each ends.
    private static async Task FillUpAsync(string filler, string kind)
    {
        if (kind == "limit-usage")
        {
            await Shell.TryAsync("dd", "if=/dev/zero", $"of={filler}/{Guid.NewGuid():N}", "bs=64k", "count=2048", "conv=fsync", "status=none");
            await Shell.TryAsync("dd", "if=/dev/zero", $"of={filler}/{Guid.NewGuid():N}", "bs=512", "count=256", "conv=fsync", "status=none");
        }
        else
        {
            await Shell.TryAsync("sh", "-c", """for number in $(seq 60); do : >"$0/$$-$number" || exit; done""", filler);
        }
    }

    // Before anything is there: while Gluster counts what it finds, renames say ENODATA.
    private static async Task EnableAsync(GlusterCluster cluster, string volume)
    {
        var node = cluster.Nodes[0];
        await Wait.UntilAsync("quotas to be enabled", async () => (await node.TryGlusterAsync("volume", "quota", volume, "enable")).ExitCode == 0, seconds: 60);
        await node.GlusterAsync("volume", "quota", volume, "hard-timeout", "0");
        await node.GlusterAsync("volume", "quota", volume, "soft-timeout", "0");
        await LimitAsync(cluster, volume, "8GB");
    }

    private static Task LimitAsync(GlusterCluster cluster, string volume, string limit, string kind = "limit-usage") => Wait.UntilAsync(
        $"the quota to be {limit}", async () => (await cluster.Nodes[0].TryGlusterAsync("volume", "quota", volume, kind, "/", limit)).ExitCode == 0, seconds: 60);
}
