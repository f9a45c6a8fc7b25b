using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>A file system with room, and without an inode for another file: the errno is that of one without room.</summary>
[Collection(LabTests.Name)]
public sealed class InodeTests(Lab lab)
{
    private const string Words = "the volume has no inode for another file: ";

    private static readonly string[] Settings = [.. StorageView.Quick, "--Storage:VolumeId", "ssd", "--Storage:RescanInterval", "00:00:01"];

    [DaemonTheory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public async Task Who_needs_a_file_is_told_that_inodes_are_lacking_and_what_is_there_is_served(string type)
    {
        var mountPoint = type == "ext4"
            ? (await LoopDevice.MountExt4Async(Lab.Directory, "inodes-ext4", inodes: 256)).MountPoint
            : await LoopDevice.MountXfsAsync(Lab.Directory, "inodes-xfs", "320M", reflink: false, "maxpct=1");
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), Path.Combine(mountPoint, "images"), $"inodes-{type}");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync(Settings)).Client;
        await client.FillAsync("centos", 1);

        var filler = Directory.CreateDirectory(Path.Combine(mountPoint, "filler")).FullName;
        FillUp(filler);
        var refused = (await client.AddStorageAsync("web01", 1)).Refuses(507, "no_space").Text("message");
        Assert.StartsWith(Words, refused, StringComparison.Ordinal);
        Assert.EndsWith(" MB are free", refused, StringComparison.Ordinal);
        await client.VolumeIsAsync(StorageView.Local, "ssd", "degraded", [Words]);

        // A copy that is ready needs no other file.
        (await client.SetImageAsync("centos", "web02")).Is(200);
        area.Oracle.Disk("web02", "centos");
        (await client.GetAsync("/readyz")).Is(200);
        await area.Oracle.CheckAsync();

        Directory.Delete(filler, recursive: true);
        await client.VolumeIsWellAsync(StorageView.Local, "ssd");
        (await client.AddStorageAsync("web01", 1)).Is(200);
        area.Oracle.DataDisk("web01_storage_1G");
        await client.PoolHoldsAsync("centos", 1);
        await area.Oracle.CheckAsync();
    }

    private static void FillUp(string folder)
    {
        try
        {
            for (var number = 0; ; number++)
            {
                File.Create(Path.Combine(folder, number.ToString(CultureInfo.InvariantCulture))).Dispose();
            }
        }
        catch (IOException)
        {
            // No inode is left.
        }
    }
}
