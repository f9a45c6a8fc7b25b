using System.Globalization;
using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>What is answered of a cluster with a volume of every type, against what the node's own tools say.</summary>
[Collection(LabTests.Name)]
public sealed class GlusterVolumeTests(EveryVolume every) : IClassFixture<EveryVolume>
{
    [DaemonFact]
    public async Task Every_volume_reads_as_gluster_prints_it()
    {
        var printed = VolumeText.ParseAll(await every.Cluster.Nodes[0].GlusterAsync("volume", "info"));
        string[] types = ["Distribute", "Replicate", "Disperse", "Distributed-Replicate", "Distributed-Disperse"];
        Assert.Empty(types.Except(printed.Select(volume => volume.Type), StringComparer.Ordinal));
        Assert.Contains(printed, volume => volume.Configuration == "1 x (2 + 1)" && volume.Type == "Replicate");

        var answered = (await every.Client.StorageAsync()).GetProperty(StorageView.Gluster).EnumerateArray().ToDictionary(volume => volume.Text("volume_id"), StringComparer.Ordinal);

        Assert.Equal(printed.Select(volume => volume.Name).Order(StringComparer.Ordinal), answered.Keys.Order(StringComparer.Ordinal));
        foreach (var volume in printed)
        {
            var answer = answered[volume.Name];
            Assert.Equal(
                (volume.Name, volume.Type, volume.Configuration, volume.Transport),
                (answer.Text("gvolume_name"), answer.Text("type"), answer.Text("configuration"), answer.Text("transport")));
            Assert.Equal(volume.Bricks, answer.Strings("bricks"));
            Assert.Equal(volume.Status == "Started", answer.Text("status") != "broken");
        }
    }

    [DaemonFact]
    public async Task Started_volumes_are_ok_and_the_stopped_one_says_so()
    {
        foreach (var name in EveryVolume.Started)
        {
            await every.Client.VolumeIsWellAsync(StorageView.Gluster, name);
        }

        var stopped = await every.Client.VolumeIsAsync(StorageView.Gluster, EveryVolume.Stopped, "broken", []);
        Assert.Equal("the volume is stopped", stopped.Text("status_msg"));
    }

    [DaemonFact]
    public async Task Hosts_are_the_nodes_of_the_pool()
    {
        var hosts = (await every.Client.StorageAsync()).Strings("hosts");
        Assert.Equal(every.Cluster.Nodes.Select(node => node.Name).Order(StringComparer.Ordinal), hosts.Order(StringComparer.Ordinal));
    }

    [DaemonFact]
    public async Task The_space_is_what_df_shows_of_a_mount()
    {
        var node = every.Cluster.Nodes[0];
        foreach (var name in EveryVolume.Started.Append(EveryVolume.Served))
        {
            if (name != EveryVolume.Served)
            {
                await node.MountAsync(name);
            }

            var columns = (await node.Place.RunAsync("df", "-k", "--output=size,avail", GlusterNode.MountPoint(name))).Split('\n')[1]
                .Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray();
            var volume = await every.Client.VolumeAsync(StorageView.Gluster, name);
            AssertNear(columns[0], volume!.Value.Number("total_space"), $"the size of {name}");
            AssertNear(columns[1], volume.Value.Number("free_space"), $"what is free of {name}");
        }
    }

    [DaemonFact]
    public async Task Images_are_those_of_the_served_folder_and_no_other_volume_has_any()
    {
        await every.Client.FillAsync("centos", 1);
        (await every.Client.AddStorageAsync("web01", 3)).Is(200);
        every.Area.Oracle.DataDisk("web01_storage_3G");
        string[] expected = ["centos_dup_N_ready||64", "centos||64", "web01_storage_3G|web01|3072"];
        await Wait.UntilAsync("the index to know all files", async () => Images(await every.Client.VolumeAsync(StorageView.Gluster, EveryVolume.Served)).SequenceEqual(expected, StringComparer.Ordinal));

        foreach (var volume in (await every.Client.StorageAsync()).GetProperty(StorageView.Gluster).EnumerateArray())
        {
            Assert.Equal(volume.Text("volume_id") == EveryVolume.Served ? 3 : 0, volume.GetProperty("images").GetArrayLength());
        }
    }

    private static IEnumerable<string> Images(JsonElement? volume) =>
        volume!.Value.GetProperty("images").EnumerateArray().Select(image =>
            string.Create(CultureInfo.InvariantCulture, $"{WithoutNumber(image.Text("image_id"))}|{image.Text("guest_id")}|{image.Number("size_mb")}"));

    private static string WithoutNumber(string id) => id.StartsWith("centos_dup_", StringComparison.Ordinal) ? "centos_dup_N_ready" : id;

    // Bricks keep a hundredth in reserve, which only a mount shows; other volumes of the nodes grow meanwhile.
    private static void AssertNear(double shown, long answered, string what) =>
        Assert.True(Math.Abs(shown - answered) <= shown * 0.04, string.Create(CultureInfo.InvariantCulture, $"{what}: df shows {shown} KB, answered were {answered} KB"));
}
