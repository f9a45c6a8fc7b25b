using System.Globalization;
using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>Directories on this machine's own devices, and beside them.</summary>
[Collection(LabTests.Name)]
public sealed class LocalVolumeTests(Lab lab)
{
    private static readonly string[] Settings = [.. StorageView.Quick, "--Storage:VolumeId", "ssd"];

    [DaemonFact]
    public async Task A_local_directory_is_a_volume_with_its_disk_its_space_and_its_images()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("raw", await lab.Masters.SparseAsync());
        var client = (await area.StartAsync(Settings)).Client;
        await client.FillAsync("centos", 2);
        (await client.SetImageAsync("raw", "web01")).Is(200);
        (await client.AddStorageAsync("web01", 3)).Is(200);
        await Shell.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-b", "centos_template.img", "-F", "qcow2", area.Seen("linked.qcow2"), "1000001K");
        await Wait.UntilAsync("the pool to be full", async () => await client.PoolAsync("centos", "ready") == 2);

        string[] files = [.. Directory.EnumerateFiles(area.Seen()).Order(StringComparer.Ordinal)];
        Assert.Equal(7, files.Length);
        var expected = await Task.WhenAll(files.Select(ExpectedAsync));
        await Wait.UntilAsync("every image to be listed with its size and its guest", async () =>
            Images(await VolumeAsync(client)).SequenceEqual(expected, StringComparer.Ordinal));

        var clones = (await VolumeAsync(client)).GetProperty("clones").EnumerateArray();
        Assert.Equal(("linked", "centos", "linked"), clones.Select(clone => (clone.Text("clone_id"), clone.Text("image_id"), clone.Text("guest_id"))).Single());
        await Wait.UntilAsync("the space to be what statvfs says", async () => await SpaceAsync(area.Seen()) is var space
            && await VolumeAsync(client) is var volume && (volume.Number("total_space"), volume.Number("free_space")) == space);
    }

    [DaemonFact]
    public async Task The_disk_of_a_volume_is_the_one_below_its_loop_device()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var client = (await area.StartAsync(Settings)).Client;
        await client.VolumeIsWellAsync(StorageView.Local, "ssd");
        var device = await DiskBelowAsync(Lab.Directory);

        await Wait.UntilAsync("the disks to be known", async () => (await client.StorageAsync()).GetProperty("disks").GetArrayLength() > 0 || device is null);
        var storage = await client.StorageAsync();
        var disk = storage.GetProperty("disks").EnumerateArray().FirstOrDefault(disk => disk.Text("host_device") == device);
        var primary = (await VolumeAsync(client)).Text("primary_disk_id");

        Assert.Equal(device is null ? "" : disk.Text("physical_disk_id"), primary);
        Assert.True(device is null || disk.Text("volume_id") == "ssd", $"{device} bears the volume, but: {disk}");
    }

    [DaemonFact]
    public async Task What_lies_on_no_device_is_external_with_its_mount_point()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var memory = Path.Combine(Lab.Directory, "memory");
        var bound = Path.Combine(Lab.Directory, "bound");
        Directory.CreateDirectory(memory);
        Directory.CreateDirectory(bound);
        await Shell.RunAsync("mount", "-t", "tmpfs", "-o", "size=64m", "memory", memory);
        Directory.CreateDirectory(Path.Combine(memory, "folder"));
        await Shell.RunAsync("mount", "--bind", Path.Combine(memory, "folder"), bound);
        await Shell.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", Path.Combine(bound, "far01.qcow2"), "2G");
        var client = (await area.StartAsync([.. Settings, "--Storage:ExtraVolumes:memory", memory, "--Storage:ExtraVolumes:bound", bound])).Client;

        var outer = await client.VolumeIsWellAsync(StorageView.External, "memory");
        var inner = await client.VolumeIsWellAsync(StorageView.External, "bound");

        Assert.Equal((memory, bound), (outer.Text("mount_point"), inner.Text("mount_point")));
        Assert.Equal((64 << 10, 0), (outer.Number("total_space"), outer.GetProperty("images").GetArrayLength()));
        Assert.Equal(["far01|far01|2048"], Images(inner).ToArray());
    }

    [DaemonFact]
    public async Task A_missing_directory_a_file_and_low_space_have_their_own_words()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var (missing, file) = (Path.Combine(Lab.Directory, "missing"), Path.Combine(Lab.Directory, "a-file"));
        await File.WriteAllTextAsync(file, "");
        var client = (await area.StartAsync([.. Settings, "--Storage:ExtraVolumes:missing", missing, "--Storage:ExtraVolumes:file", file, "--Storage:ReservePercent", "90"])).Client;
        await Shell.RunAsync("fallocate", "-l", "2G", area.Seen("ballast"));

        await client.VolumeIsAsync(StorageView.External, "missing", "broken", ["the directory does not exist"]);
        await client.VolumeIsAsync(StorageView.External, "file", "broken", ["the directory is a file"]);
        await client.VolumeIsAsync(StorageView.Local, "ssd", "degraded", ["MB are free, less than the reserve of 90 %"]);

        Directory.CreateDirectory(missing);
        await Wait.UntilAsync("the new directory to be looked at", async () =>
            !(await client.StorageAsync()).ToString().Contains("the directory does not exist", StringComparison.Ordinal));
    }

    private static async Task<JsonElement> VolumeAsync(Client client) =>
        await client.VolumeAsync(StorageView.Local, "ssd") ?? throw new InvalidOperationException("the served directory is not among the local volumes");

    private static IEnumerable<string> Images(JsonElement volume) => volume.GetProperty("images").EnumerateArray().Select(image =>
        string.Create(CultureInfo.InvariantCulture, $"{image.Text("image_id")}|{image.Text("guest_id")}|{image.Number("size_mb")}"));

    // By the rules of names, and with the size that qemu-img reads.
    private static async Task<string> ExpectedAsync(string path)
    {
        var name = Path.GetFileName(path);
        var (image, guest) = name switch
        {
            _ when name.EndsWith("_template.img", StringComparison.Ordinal) => (name[..^"_template.img".Length], ""),
            _ when name.EndsWith("_ready", StringComparison.Ordinal) => (name, ""),
            _ when name.EndsWith(".qcow2", StringComparison.Ordinal) => (name[..^".qcow2".Length], name[..^".qcow2".Length]),
            _ => (name, name[..name.IndexOf("_storage_", StringComparison.Ordinal)]),
        };
        var info = JsonElement.Parse(await Shell.RunAsync("qemu-img", "info", "-U", "--output=json", path));
        return string.Create(CultureInfo.InvariantCulture, $"{image}|{guest}|{(info.Number("virtual-size") + (1 << 20) - 1) >> 20}");
    }

    private static async Task<(long Total, long Free)> SpaceAsync(string path)
    {
        var said = (await Shell.RunAsync("stat", "-f", "-c", "%S %b %a", path)).Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        return (said[0] * said[1] >> 10, said[0] * said[2] >> 10);
    }

    // The physical disk that a directory lies on; null when it lies on none that lsblk knows (an overlay, a network).
    private static async Task<string?> DiskBelowAsync(string directory)
    {
        var source = (await Shell.RunAsync("findmnt", "-n", "-o", "SOURCE", "-T", directory)).Trim();
        var chain = await Shell.TryAsync("lsblk", "-s", "-n", "-l", "-o", "PATH,TYPE", source);
        return chain.ExitCode != 0 ? null : chain.Output.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(columns => columns is [_, "disk"])?[0];
    }
}
