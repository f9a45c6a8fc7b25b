using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Templates that are sent in the formats of other programs.</summary>
[Collection(LabTests.Name)]
public sealed class ForeignUploadTests(Lab lab)
{
    private const int MiB = 1 << 20;

    private static readonly (string Name, string Options)[] Formats =
    [
        ("vmdk", "vmdk"), ("stream", "vmdk -o subformat=streamOptimized"), ("vhd", "vpc"), ("fixed", "vpc -o subformat=fixed"), ("vhdx", "vhdx"),
        ("vdi", "vdi"),
    ];

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task Every_format_becomes_what_qemu_img_makes_of_it(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await area.StartAsync();
        var master = await lab.Masters.LargeAsync();
        foreach (var (name, options) in Formats)
        {
            var (image, wanted) = (Path.Combine(Lab.Directory, "foreign"), Path.Combine(Lab.Directory, $"{name}.wanted"));
            await Shell.RunAsync("sh", "-c", $"rm -f {image} {wanted}; qemu-img convert -f raw -O {options} {master} {image} && qemu-img convert -f {options.Split(' ')[0]} -O qcow2 {image} {wanted}");
            var sum = (await Shell.RunAsync("sha256sum", image))[..64];
            var made = await PutAsync(daemon, $"{name}?sha256={sum}", image);
            Assert.Contains("\"format\":\"qcow2\"", made, StringComparison.Ordinal);
            Assert.Contains($"\"sha256\":\"{sum}\"", made, StringComparison.Ordinal);
            await Shell.RunAsync("qemu-img", "compare", "-s", "-f", "qcow2", "-F", "qcow2", area.Seen($"{name}_template.img"), wanted);
            await Shell.RunAsync("qemu-img", "check", "-q", "-f", "qcow2", area.Seen($"{name}_template.img"));
            var (own, others) = (Allocated(area.Seen($"{name}_template.img")), Allocated(wanted));
            Assert.InRange(own, 1, others + (others / 10) + MiB);
        }

        (await daemon.Client.SetImageAsync("vmdk", "web01")).Is(200);
        Assert.True(Content.Same(area.Seen("web01.qcow2"), area.Seen("vmdk_template.img")));

        // In pieces, and packed: unpacked first, and converted then.
        var packed = Path.Combine(Lab.Directory, "foreign.gz");
        await Shell.RunAsync("sh", "-c", $"qemu-img convert -f raw -O vmdk -o subformat=streamOptimized {master} {packed}.vmdk && gzip -c {packed}.vmdk > {packed}");
        var length = new FileInfo(packed).Length;
        var id = (await Shell.RunAsync("sh", "-c", $"curl -s -d '{{\"image\":\"pieces\",\"size_bytes\":{length},\"format\":\"qcow2\"}}' {daemon.Client.Address}uploads | jq -r .id")).Trim();
        Assert.Contains("\"format\":\"qcow2\"", await Shell.RunAsync("sh", "-c", $"curl -s -X PATCH -H 'Upload-Offset: 0' -T {packed} {daemon.Client.Address}uploads/{id}"), StringComparison.Ordinal);
        await Shell.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", "raw", area.Seen("pieces_template.img"), master);
        Assert.Equal(0, Private(area));
        Assert.Empty(Directory.GetFiles(area.Seen(".storagehost/uploads"), "*", SearchOption.AllDirectories));
    }

    public static TheoryData<string> Hostile { get; } =
    [
        "qemu-img create -q -f vmdk -o subformat=monolithicFlat evil 1M",
        "qemu-img create -q -f vmdk -o subformat=twoGbMaxExtentSparse evil 1M",
        "printf '# Disk DescriptorFile\\nversion=1\\nCID=fffffffe\\nparentCID=ffffffff\\ncreateType=\"monolithicFlat\"\\nRW 8 FLAT \"/etc/passwd\" 0\\n' > evil",
        "qemu-img create -q -f vmdk base 1M; qemu-img create -q -f vmdk -F vmdk -b base evil",
        "qemu-img create -q -f vmdk evil 1M; sed -i 's/parentCID=ffffffff/parentCID=12345678/' evil",
        "qemu-img convert -O vmdk MASTER evil; truncate -s -64K evil",
        "qemu-img convert -O vmdk -o subformat=streamOptimized MASTER evil; truncate -s -200K evil",
        "qemu-img convert -O vdi MASTER evil; truncate -s -1M evil",
        "qemu-img convert -O vpc MASTER evil; truncate -s -512 evil",
        "qemu-img convert -O vhdx MASTER evil; truncate -s 9M evil",
        "qemu-img create -q -f vdi evil 1M; printf '\\377\\377\\377\\377\\377\\377\\377\\177' | dd of=evil bs=1 seek=368 conv=notrunc status=none",
        "qemu-img create -q -f vhdx evil 1M; for at in 65584 131120; do printf '\\1' | dd of=evil bs=1 seek=$at conv=notrunc status=none; done",
    ];

    [DaemonTheory]
    [MemberData(nameof(Hostile))]
    public async Task What_leads_elsewhere_or_is_broken_is_rejected_and_no_program_sees_it(string make)
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var folder = Directory.CreateDirectory(Path.Combine(Lab.Directory, "hostile"));
        try
        {
            await Shell.RunAsync("sh", "-c", $"cd {folder} && {make.Replace("MASTER", await lab.Masters.LargeAsync(), StringComparison.Ordinal)}");
            var daemon = await area.StartAsync("--Qemu:Path", "/nonexistent/qemu-img");
            Assert.Contains("\"code\":\"image_rejected\"", await PutAsync(daemon, "t", Path.Combine(folder.FullName, "evil")), StringComparison.Ordinal);
            Assert.Empty(await daemon.Client.ImagesAsync());
            Assert.Equal(0, Private(area));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [DaemonFact]
    public async Task The_converter_opens_nothing_on_the_volume_and_no_file_for_writing()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var trace = Path.Combine(Lab.Directory, "trace");
        var daemon = area.Launch(["strace", "-D", "-ff", "-o", trace, "-e", "trace=execve,open,openat,openat2,creat,socket,connect,clone,clone3"]);
        await daemon.ReadyAsync();
        var image = Path.Combine(Lab.Directory, "foreign");
        await Shell.RunAsync("sh", "-c", $"rm -f {image}; qemu-img convert -f raw -O vmdk {await lab.Masters.LargeAsync()} {image}");
        Assert.Contains("\"format\":\"qcow2\"", await PutAsync(daemon, "t", image), StringComparison.Ordinal);

        // One process becomes one program after the other; what counts is what it does as qemu-img, and what its threads do.
        var first = Directory.GetFiles(Lab.Directory, "trace.*").Single(file => File.ReadAllText(file).Contains("(\"/usr/bin/qemu-img\", [\"qemu-img\", \"convert\"", StringComparison.Ordinal));
        var calls = (await File.ReadAllLinesAsync(first)).SkipWhile(line => !line.Contains("[\"qemu-img\", \"convert\"", StringComparison.Ordinal)).Skip(1).ToList();
        for (var at = 0; at < calls.Count; at++)
        {
            if (calls[at].StartsWith("clone", StringComparison.Ordinal))
            {
                calls.AddRange(await File.ReadAllLinesAsync($"{trace}.{calls[at].Split("= ")[^1]}"));
            }
        }

        Assert.NotEmpty(calls);
        Assert.DoesNotContain(calls, call => call.Contains(area.Directory, StringComparison.Ordinal) && !call.Contains("connect", StringComparison.Ordinal));
        Assert.DoesNotContain(calls, call => call.Contains("open", StringComparison.Ordinal) && (call.Contains("O_WRONLY", StringComparison.Ordinal) || call.Contains("O_RDWR", StringComparison.Ordinal)) && !call.Contains("= -1", StringComparison.Ordinal));
        Assert.All(calls.Where(call => call.StartsWith("socket(", StringComparison.Ordinal)), call => Assert.Contains("AF_UNIX", call, StringComparison.Ordinal));
        Assert.All(
            calls.Where(call => call.StartsWith("open", StringComparison.Ordinal) && !call.Contains("= -1", StringComparison.Ordinal)),
            call => Assert.Matches("\"(/usr/|/lib|/etc/ld.so.cache|/dev/urandom|/sys/devices/system/cpu)", call));
    }

    [DaemonFact]
    public async Task A_conversion_that_finds_no_room_gives_all_of_it_back()
    {
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "tight", "420M", reflink: false);
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), mountPoint, "tight");
        var daemon = await area.StartAsync();
        var free = new DriveInfo(mountPoint).AvailableFreeSpace;
        var image = Path.Combine(Lab.Directory, "foreign");
        await Shell.RunAsync("sh", "-c", $"rm -f {image}; qemu-img convert -f raw -O vdi {await lab.Masters.SolidAsync((int)(free / MiB * 6 / 10))} {image}");
        Assert.Contains("\"code\":\"no_space\"", await PutAsync(daemon, "t", image), StringComparison.Ordinal);
        Assert.Empty(await daemon.Client.ImagesAsync());
        Assert.Equal(0, Private(area));
        await Wait.UntilAsync("the room to come back", () => Task.FromResult(Math.Abs(new DriveInfo(mountPoint).AvailableFreeSpace - free) < 16 * MiB));
    }

    private static long Allocated(string file) => 512 * long.Parse(Shell.RunAsync("stat", "-c", "%b", file).Result.Trim(), CultureInfo.InvariantCulture);

    private static Task<string> PutAsync(Daemon daemon, string template, string file) =>
        Shell.RunAsync("curl", "-s", "-T", file, $"{daemon.Client.Address}templates/{template}");

    private static int Private(StorageArea area) => Directory.EnumerateDirectories(area.Seen(".storagehost"))
        .Select(directory => Path.Combine(directory, "making")).Where(Directory.Exists).Sum(directory => Directory.EnumerateFiles(directory).Count());
}
