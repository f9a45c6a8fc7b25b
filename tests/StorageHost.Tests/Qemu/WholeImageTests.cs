using StorageHost.Tests.Processes;
using Xunit;

namespace StorageHost.Tests.Qemu;

/// <summary>
/// The check of a whole image against the installed qemu-img: what QEMU made is never refused, and no byte that a guest sees can be
/// missing unnoticed.
/// </summary>
public sealed class WholeImageTests : IDisposable
{
    /// <summary>A multiple of every cluster size: a guest sees all of the last cluster.</summary>
    private const int EvenBytes = 4 << 20;

    /// <summary>Neither a multiple of a cluster (but the smallest) nor of a subcluster.</summary>
    private const int OddBytes = (3 << 20) + 512;

    private readonly Scratch scratch = new();
    private readonly string image;

    public WholeImageTests() => image = scratch.File("image");

    public static TheoryData<string> Options { get; } =
    [
        "compat=0.10,cluster_size=512", "compat=0.10,cluster_size=64K", "compat=0.10,cluster_size=2M",
        "compat=1.1,cluster_size=512", "compat=1.1,cluster_size=4K", "compat=1.1,cluster_size=64K", "compat=1.1,cluster_size=2M",
        "compat=1.1,lazy_refcounts=on", "compat=1.1,refcount_bits=1", "compat=1.1,refcount_bits=64,cluster_size=512",
        "extended_l2=on,cluster_size=16K", "extended_l2=on,cluster_size=64K", "extended_l2=on,cluster_size=2M",
    ];

    public void Dispose() => scratch.Dispose();

    [Theory, MemberData(nameof(Options))]
    public async Task Empty_images_and_such_with_little_in_them_are_whole(string options)
    {
        foreach (var size in new[] { "3M", $"{OddBytes}" })
        {
            await CreateAsync(options, size);
            await AssertWholeAsync();
            await RealQemuImg.WriteAsync(image, "write -P 7 0 512");
            await AssertWholeAsync();
            await RealQemuImg.WriteAsync(image, "write -P 7 2M 1k", "write -z 64k 512", "discard 0 512");
            await AssertWholeAsync();
            await CreateAsync(options, size);
            await RealQemuImg.WriteAsync(image, "write -P 7 3145216 512");
            await AssertWholeAsync();
        }
    }

    [Theory, MemberData(nameof(Options))]
    public async Task Preallocated_and_resized_images_are_whole(string options)
    {
        foreach (var kind in options.Contains("extended", StringComparison.Ordinal) ? new[] { "metadata" } : ["metadata", "falloc", "full"])
        {
            await CreateAsync($"{options},preallocation={kind}", $"{OddBytes}");
            await AssertWholeAsync();
            await RealQemuImg.RunAsync("resize", "-q", "-f", "qcow2", image, "5M");
            await AssertWholeAsync();
            await RealQemuImg.RunAsync("resize", "-q", "-f", "qcow2", "--shrink", image, "1M");
            await AssertWholeAsync();
        }
    }

    [Theory, MemberData(nameof(Options))]
    public async Task Converted_images_are_whole_and_every_cut_of_them_is_found(string options)
    {
        await RealQemuImg.RunAsync("convert", "-f", "raw", "-O", "qcow2", "-o", options, await WriteRawAsync(OddBytes), image);
        await AssertWholeAsync();
        await RealQemuImg.RunAsync("convert", "-f", "raw", "-O", "qcow2", "-o", options, await WriteRawAsync(EvenBytes), image);
        await AssertWholeAsync();
        await AssertCutsAreFoundAsync(1, 511, 512, 4096, 200_000, 1 << 20);
    }

    [Theory, MemberData(nameof(Options))]
    public async Task Compressed_images_are_whole_and_cuts_of_them_are_found(string options)
    {
        var raw = await WriteRawAsync(OddBytes, compressible: true);
        await RealQemuImg.RunAsync("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, raw, image);
        await AssertWholeAsync();

        // QEMU fills the last cluster up, so what is cut off first holds nothing.
        await AssertCutsAreFoundAsync(4 << 20, 3 << 20);
    }

    /// <summary>Those that the others leave out.</summary>
    [Theory]
    [InlineData("1K")]
    [InlineData("2K")]
    [InlineData("8K")]
    [InlineData("16K")]
    [InlineData("32K")]
    [InlineData("128K")]
    [InlineData("256K")]
    [InlineData("512K")]
    [InlineData("1M")]
    public async Task Images_of_every_cluster_size_are_whole_and_cuts_of_them_are_found(string size)
    {
        var options = $"compat=1.1,cluster_size={size}";
        await CreateAsync(options, $"{OddBytes}");
        await AssertWholeAsync();
        await RealQemuImg.WriteAsync(image, "write -P 7 2M 1k", "write -P 7 3145216 512");
        await AssertWholeAsync();
        await RealQemuImg.RunAsync("convert", "-f", "raw", "-O", "qcow2", "-o", options, await WriteRawAsync(EvenBytes), image);
        await AssertWholeAsync();
        await AssertCutsAreFoundAsync(1, 512, 200_000);
        var raw = await WriteRawAsync(OddBytes, compressible: true);
        await RealQemuImg.RunAsync("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, raw, image);
        await AssertWholeAsync();
        await AssertCutsAreFoundAsync(1 << 20);
    }

    /// <summary>What QEMU put there and no guest sees may be missing; of everything else, nothing.</summary>
    [Theory]
    [InlineData("cluster_size=512")]
    [InlineData("cluster_size=64K")]
    [InlineData("cluster_size=2M")]
    [InlineData("cluster_size=16K,extended_l2=on")]
    public async Task An_image_as_short_as_the_check_allows_shows_a_guest_the_same(string options)
    {
        await RealQemuImg.RunAsync("convert", "-f", "raw", "-O", "qcow2", "-o", options, await WriteRawAsync(OddBytes), image);
        var whole = scratch.File("uncut");
        File.Copy(image, whole);
        var (least, most) = (0L, new FileInfo(image).Length);
        while (least < most)
        {
            var middle = (least + most) / 2;
            File.Copy(whole, image, overwrite: true);
            Cut(middle);
            (least, most) = RealQemuImg.Inspect(image).Fault is null && RealQemuImg.FindMissing(image) is null ? (least, middle) : (middle + 1, most);
        }

        File.Copy(whole, image, overwrite: true);
        Cut(least);
        Assert.True(await RealQemuImg.IsSoundAsync(image));
        await RealQemuImg.RunAsync("compare", "-q", "-f", "qcow2", "-F", "qcow2", whole, image);
        Cut(least - 1);
        await Assert.ThrowsAnyAsync<Exception>(() => RealQemuImg.RunAsync("compare", "-q", "-f", "qcow2", "-F", "qcow2", whole, image));
    }

    [Fact]
    public async Task Compression_with_zstd_is_known()
    {
        var raw = await WriteRawAsync(OddBytes, compressible: true);
        await RealQemuImg.RunAsync("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "compression_type=zstd", raw, image);
        await AssertWholeAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData(",extended_l2=on")]
    [InlineData(",lazy_refcounts=on")]
    public async Task Snapshots_and_bitmaps_are_looked_through_as_well(string options)
    {
        await CreateAsync($"compat=1.1{options}", "64M");
        await RealQemuImg.WriteAsync(image, "write -P 7 0 1M");
        await RealQemuImg.RunAsync("snapshot", "-c", "before", image);
        await RealQemuImg.RunAsync("bitmap", "--add", image, "changes");
        await RealQemuImg.WriteAsync(image, "write -P 8 0 2M", "write -P 9 40M 64k");
        await RealQemuImg.RunAsync("snapshot", "-c", "after", image);
        await AssertWholeAsync();
        await RealQemuImg.WriteAsync(image, "discard 0 64M");
        await AssertWholeAsync();
        await AssertCutsAreFoundAsync(1 << 20);
    }

    [Fact]
    public async Task A_snapshot_that_lies_beyond_the_end_is_found()
    {
        await CreateAsync("compat=1.1", "64M");
        await RealQemuImg.WriteAsync(image, "write -P 7 0 8M");
        await RealQemuImg.RunAsync("snapshot", "-c", "before", image);
        await AssertCutsAreFoundAsync(8, 60);
    }

    [Fact]
    public async Task A_bitmap_that_lies_beyond_the_end_is_found_if_it_counts()
    {
        await CreateAsync("compat=1.1", "64M");
        var before = new FileInfo(image).Length;
        await RealQemuImg.RunAsync("bitmap", "--add", "-g", "512", image, "changes");
        await AssertWholeAsync();
        Cut(before);
        Assert.Contains("cut short", RealQemuImg.FindMissing(image), StringComparison.Ordinal);

        // A program that knows no bitmaps has written: theirs is no part of the image any more, and qemu-img says so too.
        await PokeAsync(88, 0, 0, 0, 0, 0, 0, 0, 0);
        Assert.Null(RealQemuImg.FindMissing(image));
    }

    [Fact]
    public async Task A_linked_image_is_looked_through_itself_only()
    {
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", scratch.File("base"), "64M");
        await RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "base", image);
        await RealQemuImg.WriteAsync(image, "write -P 7 1M 512");
        await AssertWholeAsync();
        await AssertCutsAreFoundAsync(1);
    }

    /// <summary>The images of the two cases that were met.</summary>
    [Fact]
    public async Task An_image_that_is_cut_in_half_or_by_a_little_says_how_long_it_must_be()
    {
        await CreateAsync("compat=1.1", "64M");
        await RealQemuImg.WriteAsync(image, "write -P 7 0 8M");
        var whole = new FileInfo(image).Length;
        foreach (var there in new[] { whole - (128 << 10), whole / 2 })
        {
            Cut(there);
            Assert.Equal($"the qcow2 image is cut short or still being copied: it needs {whole} bytes, has {there}", RealQemuImg.FindMissing(image));
        }
    }

    private Task CreateAsync(string options, string size) => RealQemuImg.RunAsync("create", "-q", "-f", "qcow2", "-o", options, image, size);

    private async Task<string> WriteRawAsync(int length, bool compressible = false)
    {
        var content = new byte[length];
        new Random(5).NextBytes(content);
        for (var at = 0; compressible && at < length; at += 3)
        {
            content[at] = 1;
        }

        await File.WriteAllBytesAsync(scratch.File("raw"), content);
        return scratch.File("raw");
    }

    private async Task AssertWholeAsync()
    {
        Assert.Null(RealQemuImg.Inspect(image).Fault);
        Assert.Null(RealQemuImg.FindMissing(image));
        Assert.True(await RealQemuImg.IsSoundAsync(image));
    }

    /// <summary>Each is found, or nothing is missing that a guest would see.</summary>
    private async Task AssertCutsAreFoundAsync(params int[] cuts)
    {
        var whole = scratch.File("uncut");
        File.Copy(image, whole, overwrite: true);
        foreach (var cut in cuts.Where(cut => cut < new FileInfo(whole).Length))
        {
            File.Copy(whole, image, overwrite: true);
            Cut(new FileInfo(whole).Length - cut);
            if (RealQemuImg.Inspect(image).Fault is null && RealQemuImg.FindMissing(image) is null)
            {
                await RealQemuImg.RunAsync("compare", "-q", "-f", "qcow2", "-F", "qcow2", whole, image);
                Assert.True(await RealQemuImg.IsSoundAsync(image));
                Assert.InRange(cut, 0, 1 << 21);
            }
        }

        File.Copy(whole, image, overwrite: true);
    }

    private void Cut(long length)
    {
        using var file = File.OpenHandle(image, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.SetLength(file, length);
    }

    private async Task PokeAsync(long offset, params byte[] bytes)
    {
        using var file = File.OpenHandle(image, FileMode.Open, FileAccess.ReadWrite);
        await RandomAccess.WriteAsync(file, bytes, offset);
    }
}
