using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Races;

/// <summary>
/// A disk is made on one node and used on another at once, where somebody looks into the private directories, as other daemons do. What a
/// node has seen of a growing file in a listing, its size above all, it believes for a second, also under the name that the file gets in the
/// volume's root. (In another directory it asks anew.)
/// </summary>
[Collection(LabTests.Name)]
public sealed class FreshDiskTests(Lab lab)
{
    private const int Disks = 12;
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(700);

    [DaemonFact]
    public async Task Whoever_is_told_of_a_disk_finds_all_of_it_on_every_node()
    {
        await using var volume = await OwnVolume.MakeAsync(lab, "fresh", pingTimeout: "42");
        var area = volume.Area;
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        await using var slow = await Interceptor.SlowWritesAsync(daemon, area, milliseconds: 100);
        using var stop = new CancellationTokenSource();
        var looking = LookAsync(area.Seen(".storagehost", place: 1), stop.Token);
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

        await stop.CancelAsync();
        await looking;
        await area.Oracle.CheckAsync();
    }

    private static async Task LookAsync(string root, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (var directory in Directory.GetDirectories(root))
            {
                _ = Directory.GetFileSystemEntries(directory);
            }

            await Task.Delay(LookInterval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
