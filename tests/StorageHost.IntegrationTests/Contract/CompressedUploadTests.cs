using System.Globalization;
using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Templates that are sent compressed, as the programs of the machine do it.</summary>
[Collection(LabTests.Name)]
public sealed class CompressedUploadTests(Lab lab)
{
    private const int MiB = 1 << 20;

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task What_was_sent_compressed_is_the_template_as_it_was_before(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await area.StartAsync();
        foreach (var (master, number) in new[] { await lab.Masters.SmallAsync(), await lab.Masters.LargeAsync() }.Select((master, number) => (master, number)))
        {
            foreach (var (program, name) in new[] { ("gzip -1", "gzip"), ("xz -1", "xz"), ("xz -T2 -0", "xz-many"), ("zstd -q", "zstd"), ("zstd -q --ultra -22", "zstd-most") })
            {
                var image = string.Create(CultureInfo.InvariantCulture, $"{name}{number}");
                var packed = Path.Combine(Lab.Directory, "packed");
                await Shell.RunAsync("sh", "-c", $"{program} -c {master} > {packed}");
                var sum = (await Shell.RunAsync("sha256sum", packed))[..64];
                Assert.Contains($"\"sha256\":\"{sum}\"", await PutAsync(daemon, $"{image}?sha256={sum}", packed), StringComparison.Ordinal);
                area.Oracle.Template(image, master);

                // A stream that does not say how long it is, as from a pipe.
                Assert.Contains(sum, await Shell.RunAsync("sh", "-c", $"cat {packed} | curl -s -T - '{Address(daemon, $"{image}?replace=true")}'"), StringComparison.Ordinal);
            }
        }

        await area.Oracle.CheckAsync();
    }

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task What_was_sent_compressed_in_pieces_to_two_nodes_is_unpacked_at_the_end(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        Daemon[] nodes = [await area.StartAtAsync(0), await area.StartAtAsync(area.Places.Count - 1)];
        var master = await lab.Masters.SolidAsync(40);
        var packed = Path.Combine(Lab.Directory, "packed");
        await Shell.RunAsync("sh", "-c", $"zstd -q -c {master} > {packed}");
        var (length, sum) = (new FileInfo(packed).Length, (await Shell.RunAsync("sha256sum", packed))[..64]);
        var begun = await Shell.RunAsync(
            "curl", "-s", "-d", $"{{\"image\":\"t\",\"size_bytes\":{length},\"sha256\":\"{sum}\",\"format\":\"raw\"}}", $"{nodes[0].Client.Address}uploads");
        var address = $"uploads/{JsonDocument.Parse(begun).RootElement.GetProperty("id").GetString()}";
        await Shell.RunAsync("sh", "-c", $"head -c {10 * MiB} {packed} | curl -s -X PATCH -H 'Upload-Offset: 0' -T - {nodes[0].Client.Address}{address}");
        var made = await Shell.RunAsync("sh", "-c", $"tail -c +{(10 * MiB) + 1} {packed} | curl -s -X PATCH -H 'Upload-Offset: {10 * MiB}' -T - {nodes[1].Client.Address}{address}");
        Assert.Contains(sum, made, StringComparison.Ordinal);
        area.Oracle.Template("t", master);
        await area.Oracle.CheckAsync();
        Assert.Equal(0, Private(area));
    }

    [DaemonFact]
    public async Task A_bomb_ends_at_the_limit_or_where_the_room_does_and_gives_all_of_it_back()
    {
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "bomb", "420M", reflink: false);
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), mountPoint, "bomb");
        var daemon = await area.StartAsync("--Import:MaxBytes", "1073741824");
        var bomb = Path.Combine(Lab.Directory, "bomb.packed");
        foreach (var program in new[] { "gzip -9", "xz -9", "zstd -q -19" })
        {
            await Shell.RunAsync("sh", "-c", $"head -c 1200M /dev/zero | {program} -c > {bomb}");
            var answer = await PutAsync(daemon, "t", bomb);
            Assert.Contains("\"code\":\"no_space\",\"message\":\"what was sent for t becomes larger than 1073741824 bytes (Import:MaxBytes)\"", answer, StringComparison.Ordinal);
        }

        // What does not become holes meets the end of the room before it.
        var free = new DriveInfo(mountPoint).AvailableFreeSpace;
        await Shell.RunAsync("sh", "-c", $"head -c 1M /dev/urandom > {bomb}.part; (for i in $(seq {(free / MiB) + 64}); do cat {bomb}.part; done) | zstd -q --long=27 -c > {bomb}");
        Assert.InRange(new FileInfo(bomb).Length, 1, 8 * MiB);
        var other = await area.StartAsync();
        Assert.Contains("\"code\":\"no_space\",\"message\":\"the template u would take the volume below its reserve", await PutAsync(other, "u", bomb), StringComparison.Ordinal);
        Assert.Empty(await other.Client.ImagesAsync());
        await Wait.UntilAsync("the private files to go", () => Task.FromResult(Private(area) == 0));
        await Wait.UntilAsync("the room to come back", () => Task.FromResult(Math.Abs(new DriveInfo(mountPoint).AvailableFreeSpace - free) < 16 * MiB));
        Assert.InRange(Math.Max(daemon.PeakRss, other.PeakRss), 0, 300L * MiB);
        await area.Oracle.CheckAsync();
    }

    private static string Address(Daemon daemon, string template) => $"{daemon.Client.Address}templates/{template}";

    private static Task<string> PutAsync(Daemon daemon, string template, string file) => Shell.RunAsync("curl", "-s", "-T", file, Address(daemon, template));

    private static int Private(StorageArea area) => Directory.EnumerateDirectories(area.Seen(".storagehost"))
        .Select(directory => Path.Combine(directory, "making")).Where(Directory.Exists).Sum(directory => Directory.EnumerateFiles(directory).Count());
}
