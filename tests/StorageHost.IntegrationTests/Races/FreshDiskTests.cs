using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Races;

/// <summary>
/// A disk is made on one node and used at once on another, whose daemon looks into the private directories of all. What a node has seen of
/// a growing file in a listing, its size above all, it believes for a second, also under the name that the file gets in the volume's root. (In
/// another directory it asks anew.)
/// </summary>
[Collection(LabTests.Name)]
public sealed class FreshDiskTests(Lab lab)
{
    private const int Disks = 12;
    private const string LookInterval = "00:00:00.7";

    [DaemonFact]
    public async Task Whoever_is_told_of_a_disk_finds_all_of_it_on_every_node()
    {
        await using var volume = await OwnVolume.MakeAsync(lab, "fresh", pingTimeout: "42");
        var area = volume.Area;
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        await using var slow = await Interceptor.SlowWritesAsync(daemon, area, milliseconds: 100);
        await area.StartAtAsync(1, "--Storage:RescanInterval", LookInterval);
        for (var disk = 0; disk < Disks; disk++)
        {
            var host = string.Create(CultureInfo.InvariantCulture, $"web{disk}");
            (await daemon.Client.SetImageAsync("centos", host)).Is(200);
            Assert.Null(Content.Difference(area.Seen($"{host}.qcow2", place: 1), area.Oracle.MasterOf("centos")));
            area.Oracle.Disk(host, "centos");

            (await daemon.Client.AddStorageAsync(host, 1)).Is(200);
            var data = $"{host}_storage_1G";
            Assert.Null(Content.Difference(area.Seen(data, place: 1), area.Seen(data)));
            area.Oracle.DataDisk(data);
        }

        await area.Oracle.CheckAsync();
    }
}
