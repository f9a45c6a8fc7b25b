using System.Globalization;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Catalog;
using StorageHost.Files.Growing;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Templates;
using StorageHost.Processes;
using StorageHost.Qemu;
using StorageHost.Tests.Processes;
using StorageHost.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.Tests.Qemu;

/// <summary>
/// Growths against the installed qemu-img: whatever the clusters, the counts and the content are like, the size is exact, the image is sound,
/// the content is the same and the rest reads as zeros. TORTURE_SCALE says how many, TORTURE_SEED which.
/// </summary>
public sealed class GrowthTests(ITestOutputHelper output) : IDisposable
{
    private const int Fast = 40;
    private const int PerScale = 100;

    private readonly Scratch scratch = new();

    public static TheoryData<string> Options { get; } =
    [
        "compat=0.10,cluster_size=512", "compat=0.10,cluster_size=4K", "compat=0.10,cluster_size=64K", "compat=0.10,cluster_size=2M",
        "compat=1.1,cluster_size=512", "compat=1.1,cluster_size=4K", "compat=1.1,cluster_size=64K", "compat=1.1,cluster_size=2M",
        "compat=1.1,refcount_bits=1,cluster_size=4K", "compat=1.1,refcount_bits=2,cluster_size=512", "compat=1.1,refcount_bits=64,cluster_size=512",
        "extended_l2=on,cluster_size=16K", "extended_l2=on,cluster_size=2M",
    ];

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Images_of_any_kind_grow_to_any_size()
    {
        var random = Begin(out var count);
        var moved = 0;
        for (var round = 0; round < count; round++)
        {
            var image = await MakeAsync(random);
            var (before, grown) = (scratch.File("before"), scratch.File("image"));
            File.Copy(grown, before, overwrite: true);
            var now = image.Format == ImageFormat.Raw ? new FileInfo(grown).Length : RealQemuImg.Inspect(grown).VirtualBytes;
            for (var growths = random.Next(1, 4); growths > 0; growths--)
            {
                now = Sectors(now + Step(random, image.ClusterBytes));
                var plan = Grow(grown, image.Format, now);
                moved += plan.Steps.Count > 2 ? 1 : 0;
                output.WriteLine($"{image} to {now}: {plan.Steps.Count} steps");
            }

            await AssertGrownAsync(image.Format, before, grown, now);
        }

        Assert.True(moved > 0 || count < Fast, "no table had to move: the test shows little");
    }

    /// <summary>As a loss of power leaves it: all steps before one, and any part of that one.</summary>
    [Fact]
    public async Task Cut_short_anywhere_an_image_is_sound_and_has_one_of_its_sizes()
    {
        var random = Begin(out var count);
        for (var round = 0; round < count / 2; round++)
        {
            var image = await MakeAsync(random, ImageFormat.Qcow2);
            var (before, grown) = (scratch.File("before"), scratch.File("image"));
            File.Copy(grown, before, overwrite: true);
            var size = RealQemuImg.Inspect(grown).VirtualBytes;
            var wanted = Sectors(size + Step(random, image.ClusterBytes));
            var plan = Plan(grown, image.Format, wanted);
            for (var done = 0; done <= plan.Steps.Count; done++)
            {
                File.Copy(before, grown, overwrite: true);
                using (var file = Open(grown))
                {
                    GrowthWriter.ApplyDurably(file, "image", plan with { Steps = [.. plan.Steps.Take(done)] });
                    if (done < plan.Steps.Count)
                    {
                        var part = plan.Steps[done];
                        var length = random.Next(2) == 0 ? part.Length : null;
                        var writes = part.Writes.Where(_ => random.Next(2) == 0).OrderBy(_ => random.Next()).ToArray();
                        GrowthWriter.Apply(file, "image", new ImageGrowth([new GrowthStep(length, writes)], 0));
                    }
                }

                Assert.True(await CheckAsync(grown) is 0 or 3, $"{image} to {wanted}, cut short after {done} of {plan.Steps.Count} steps");
                Assert.Contains(RealQemuImg.Inspect(grown).VirtualBytes, new[] { size, wanted });
                Assert.True(await AreAlikeAsync("qcow2", before, grown));
            }
        }
    }

    [Theory, MemberData(nameof(Options))]
    public async Task The_usual_growths_write_once(string options)
    {
        var image = scratch.File("image");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", options, image, "64M");
        await RealQemuImg.WriteAsync(image, "write -P 6 1m 64k");
        var plan = Plan(image, ImageFormat.Qcow2, 40L << 30);
        Assert.Equal(options.Contains("=64K", StringComparison.Ordinal) || options.Contains("=2M", StringComparison.Ordinal), plan is { IsAtOnce: true, NewBytes: 0 });
        Grow(image, ImageFormat.Qcow2, 40L << 30);
        Assert.Equal((0, 40L << 30), (await CheckAsync(image), RealQemuImg.Inspect(image).VirtualBytes));
        Assert.Null(RealQemuImg.FindMissing(image));
        await RealQemuImg.WriteAsync(image, "write -P 7 0 64k", "write -P 8 39g 64k", "read -P 8 39g 64k", "read -P 0 20g 1m");
        Assert.Equal(0, await CheckAsync(image));
        Assert.Empty(Plan(image, ImageFormat.Qcow2, 40L << 30).Steps);
    }

    [Fact]
    public async Task What_cannot_grow_is_refused_and_says_why()
    {
        var image = scratch.File("image");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", image, "3G");
        Refuses(image, 2, Refusal.InvalidSize, "must be at least 3:");
        await RealQemuImg.RunAsync("bitmap", "--add", image, "changes");
        Refuses(image, 4, Refusal.ImageRejected, "dirty bitmaps");
        await RealQemuImg.RunAsync("bitmap", "--remove", image, "changes");
        Assert.NotEmpty(Plan(image, ImageFormat.Qcow2, 4L << 30).Steps);
        await RealQemuImg.RunAsync("snapshot", "-c", "before", image);
        Refuses(image, 4, Refusal.ImageRejected, "internal snapshots");
        Refuses(image, 2, Refusal.InvalidSize, "must be at least 3:");

        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", "cluster_size=512", image, "1G");
        Refuses(image, 129, Refusal.InvalidSize, "must be at most 128:");
        Grow(image, ImageFormat.Qcow2, 128L << 30);
        Assert.Equal(0, await CheckAsync(image));

        await RealQemuImg.RunAsync("create", "-q", "-f", "raw", image, "3000000000");
        Refuses(image, 2, Refusal.InvalidSize, "must be at least 3:", ImageFormat.Raw);
    }

    [Fact]
    public async Task Counts_that_may_be_wrong_are_not_built_upon()
    {
        var image = scratch.File("image");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", "cluster_size=4K,lazy_refcounts=on", image, "64M");
        Poke(image, 79, 1);
        Refuses(image, 40, Refusal.ImageRejected, "reference counts are stale");
        Grow(image, ImageFormat.Qcow2, 65L << 20);
        Assert.Equal(65L << 20, RealQemuImg.Inspect(image).VirtualBytes);
    }

    [Fact]
    public async Task A_larger_backing_file_would_show_through()
    {
        var (image, below) = (scratch.File("image"), scratch.File("below"));
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", below, "2G");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-b", below, "-F", "qcow2", image, "1G");
        using var file = Open(image);
        var source = new HeaderSource(file, "image");
        var refused = Assert.Throws<RefusedException>(() => new ImageGrower().Plan(source, ImageFormat.Qcow2, 3L << 30, 2L << 30));
        Assert.Contains("backing file is larger", refused.Message, StringComparison.Ordinal);
        Assert.NotEmpty(new ImageGrower().Plan(source, ImageFormat.Qcow2, 3L << 30, 1L << 30).Steps);
    }

    [Fact]
    public async Task Clusters_behind_the_end_that_are_counted_are_passed_over()
    {
        var image = scratch.File("image");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", "cluster_size=4K", image, "64M");
        var counted = new FileInfo(image).Length / 4096;
        Poke(image, (2 * 4096) + (2 * counted) + 1, 1);
        Poke(image, (2 * 4096) + (2 * (counted + 2)) + 1, 1);
        Grow(image, ImageFormat.Qcow2, 40L << 30);
        Assert.Equal(3, await CheckAsync(image)); // the two that were counted before
    }

    [Fact]
    public async Task Autoclear_features_are_cleared_and_garbage_behind_the_table_is_no_data()
    {
        var image = scratch.File("image");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", image, "64M");
        Poke(image, 95, 0x80);
        Poke(image, (3 * 65536) + 100, 0xff);
        Assert.Equal(2, Plan(image, ImageFormat.Qcow2, 40L << 30).Steps.Count);
        Grow(image, ImageFormat.Qcow2, 40L << 30);
        Assert.Equal((byte)0, (await File.ReadAllBytesAsync(image))[95]);
        Assert.Equal(0, await CheckAsync(image));
    }

    private static void Poke(string image, long offset, byte value)
    {
        using var file = File.OpenWrite(image);
        file.Position = offset;
        file.WriteByte(value);
    }

    private static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

    private static ImageGrowth Plan(string path, ImageFormat format, long size)
    {
        using var file = Open(path);
        return new ImageGrower().Plan(new HeaderSource(file, "image"), format, size, backingBytes: null);
    }

    private static ImageGrowth Grow(string path, ImageFormat format, long size)
    {
        var plan = Plan(path, format, size);
        using var file = Open(path);
        GrowthWriter.Apply(file, "image", plan);
        return plan;
    }

    private static void Refuses(string image, int sizeGb, Refusal reason, string why, ImageFormat format = ImageFormat.Qcow2)
    {
        var refused = Assert.Throws<RefusedException>(() => Plan(image, format, (long)sizeGb << 30));
        Assert.Equal(reason, refused.Reason);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    private static async Task<int> CheckAsync(string image) => (await RunAsync("check", "-q", "-f", "qcow2", image)).ExitCode;

    private static async Task<bool> AreAlikeAsync(string format, string before, string grown) =>
        (await RunAsync("compare", "-q", "-f", format, "-F", format, before, grown)).ExitCode == 0;

    private static Task<ProcessResult> RunAsync(params string[] arguments) =>
        Programs.Runner.RunAsync(new ProcessCommand("qemu-img", arguments), CancellationToken.None);

    private static async Task AssertGrownAsync(ImageFormat format, string before, string grown, long size)
    {
        var name = format == ImageFormat.Raw ? "raw" : "qcow2";
        var info = await RealQemuImg.InfoAsync(name, grown);
        Assert.Equal(size, info!.Value.GetProperty("virtual-size").GetInt64());
        Assert.True(await AreAlikeAsync(name, before, grown));
        if (format == ImageFormat.Qcow2)
        {
            Assert.Equal(0, await CheckAsync(grown));
            Assert.Null(RealQemuImg.FindMissing(grown));
        }
    }

    private static long Sectors(long bytes) => (bytes + 511) / 512 * 512;

    /// <summary>From less than a cluster to as much as needs a table of many clusters.</summary>
    private static long Step(Random random, int clusterBytes)
    {
        var most = Math.Min(1L << 40, (long)clusterBytes * clusterBytes << 9);
        return (long)Math.Pow(2, random.NextDouble() * Math.Log2(most));
    }

    private async Task<(ImageFormat Format, int ClusterBytes, string Options)> MakeAsync(Random random, ImageFormat? only = null)
    {
        var (image, plain) = (scratch.File("image"), scratch.File("plain"));
        var length = random.Next(1, 8) * 262_144 + (random.Next(3) == 0 ? random.Next(512) * 512 : 0);
        var content = new byte[length];
        for (var run = random.Next(4); run >= 0; run--)
        {
            var at = random.Next(length);
            random.NextBytes(content.AsSpan(at, Math.Min(random.Next(1, 300_000), length - at)));
        }

        await File.WriteAllBytesAsync(plain, content);
        if (only is null && random.Next(8) == 0)
        {
            File.Copy(plain, image, overwrite: true);
            return (ImageFormat.Raw, 65536, "raw");
        }

        var bits = random.Next(9, 22);
        var options = random.Next(4) switch
        {
            0 => "compat=0.10",
            1 when bits >= 14 => "extended_l2=on",
            2 => string.Create(CultureInfo.InvariantCulture, $"compat=1.1,refcount_bits={1 << random.Next(7)}"),
            _ => "compat=1.1",
        };
        options += string.Create(CultureInfo.InvariantCulture, $",cluster_size={1 << bits}");
        string[] compressed = random.Next(4) == 0 ? ["-c"] : [];
        await RealQemuImg.RunAsync(["convert", "-q", .. compressed, "-f", "raw", "-O", "qcow2", "-o", options, plain, image]);
        return (ImageFormat.Qcow2, 1 << bits, options);
    }

    private Random Begin(out int count)
    {
        var seed = Number("TORTURE_SEED") ?? 17;
        count = Number("TORTURE_SCALE") is { } scale and > 1 ? scale * PerScale : Fast;
        output.WriteLine($"TORTURE_SEED={seed}, {count} images");
        return new Random(seed);
    }

    private static int? Number(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
}
