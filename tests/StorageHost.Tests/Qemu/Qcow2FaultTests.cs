using System.Text;
using StorageHost.Images.Templates;
using StorageHost.Qemu;
using Xunit;

namespace StorageHost.Tests.Qemu;

public sealed class Qcow2FaultTests
{
    private const uint BackingFormat = 0xe2792aca;
    private const uint FeatureNames = 0x6803f857;
    private const uint Encryption = 0x0537be77;
    private const uint DataFile = 0x44415441;

    [Fact]
    public void Passes_both_versions()
    {
        var expected = new ImageHeader(ImageFormat.Qcow2, Qcow2Bytes.VirtualBytes, null, null);

        Assert.Equal(expected, Inspect(Qcow2Bytes.Version2()));
        Assert.Equal(expected, Inspect(Qcow2Bytes.Version3()));
    }

    public static TheoryData<string, long[]> Broken => new()
    {
        { "qcow version 0", [4, 4, 0] },
        { "qcow version 1", [4, 4, 1] },
        { "qcow version 4", [4, 4, 4] },
        { "2^8 bytes", [20, 4, 8] },
        { "2^22 bytes", [20, 4, 22] },
        { "2^4294967295 bytes", [20, 4, 0xffffffff] },
        { "96 bytes as its length", [100, 4, 96] },
        { "108 bytes as its length", [100, 4, 108] },
        { "8192 bytes as its length", [100, 4, 8192] },
        { "above 1 PiB", [24, 8, (1L << 50) + 1] },
        { "above 1 PiB", [24, 8, -1] },
        { "unknown features (0x20)", [72, 8, 0x20] },
        { "unknown features (0x8000000000000000)", [72, 8, long.MinValue] },
        { "marked as corrupt", [72, 8, 2] },
        { "data in an external file", [72, 8, 4] },
        { "encrypted", [32, 4, 1] },
        { "encrypted", [32, 4, 2] },
        { "contradicts itself on the compression", [72, 8, 8] },
        { "contradicts itself on the compression", [100, 4, 112, 104, 1, 1] },
        { "compression type 2 is unknown", [72, 8, 8, 100, 4, 112, 104, 1, 2] },
        { "too small for extended L2", [72, 8, 16] },
        { "wider than 64 bits", [96, 4, 7] },
        { "count table has an impossible size", [56, 4, 0] },
        { "count table has an impossible size", [56, 4, 2049] },
        { "count table overlaps the header", [48, 8, 0] },
        { "count table does not begin on a cluster", [48, 8, 4097] },
        { "count table lies beyond the end", [48, 8, 1L << 40] },
        { "count table lies beyond the end", [48, 8, Qcow2Bytes.L1Offset] },
        { "L1 table is larger than 32 MiB", [36, 4, 4194305] },
        { "L1 table is too small", [36, 4, 1] },
        { "L1 table is too small", [24, 8, Qcow2Bytes.VirtualBytes + 1] },
        { "L1 table overlaps the header", [40, 8, 0] },
        { "L1 table does not begin on a cluster", [40, 8, 8193] },
        { "L1 table lies beyond the end", [40, 8, 4 * Qcow2Bytes.Cluster] },
        { "L1 table lies beyond the end", [36, 4, 3] },
        { "L1 table lies beyond the end", [40, 8, -4096] },
        { "more than 65536 snapshots", [60, 4, 65537, 64, 8, 8192] },
        { "snapshot table overlaps the header", [60, 4, 1] },
        { "snapshot table does not begin on a cluster", [64, 8, 5] },
        { "snapshot table lies beyond the end", [60, 4, 65536, 64, 8, 8192] },
        { "backing file name is longer", [8, 8, 1024, 16, 4, 1024] },
        { "backing file name lies outside", [8, 8, 96, 16, 4, 8] },
        { "backing file name lies outside", [8, 8, 4090, 16, 4, 8] },
        { "backing file name lies outside", [8, 8, 8192, 16, 4, 8] },
        { "backing file name lies outside", [8, 8, -1, 16, 4, 8] },
        { "backing file name lies outside", [8, 8, long.MaxValue, 16, 4, 8] },
        { "backing file name lies outside", [20, 4, 9, 24, 8, 65536, 8, 8, 104, 16, 4, 1023] }, // longer than a cluster of 512 bytes
    };

    public static TheoryData<long[]> Legal => new()
    {
        { [72, 8, 1] }, // dirty: repaired when it is opened
        { [80, 8, -1] }, // compatible features may be unknown
        { [88, 8, -1] }, // auto-clear features too
        { [72, 8, 8, 100, 4, 112, 104, 1, 1] }, // zstd
        { [60, 4, 2, 64, 8, 8192] }, // snapshots
        { [96, 4, 6] }, // 64-bit reference counts
        { [24, 8, 0, 36, 4, 0, 40, 8, 0] }, // an empty disk
        { [36, 4, 2, 24, 8, Qcow2Bytes.VirtualBytes - 512] },
        { [8, 8, 1024, 16, 4, 0] }, // no backing file after all
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void Finds_a_broken_field(string fault, long[] pokes)
    {
        Assert.Contains(fault, Inspect(Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), pokes)).Fault, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Legal))]
    public void Passes_what_is_legal(long[] pokes)
    {
        var header = Inspect(Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), pokes));

        Assert.Equal((ImageFormat.Qcow2, null, null), (header.Format, header.Fault, header.BackingFile));
    }

    [Fact]
    public void Extended_L2_entries_halve_what_an_L1_entry_covers()
    {
        // 16 KiB clusters: an L1 entry covers 32 MiB, with extended entries 16 MiB.
        long[] pokes = [20, 4, 14, 24, 8, 48 << 20, 40, 8, 32768, 48, 8, 16384];
        var plain = Qcow2Bytes.Pokes(new byte[32768 + 16], pokes);
        Qcow2Bytes.Version3().AsSpan(0, 20).CopyTo(plain);
        Qcow2Bytes.Pokes(plain, 36, 4, 2, 56, 4, 1, 96, 4, 4, 100, 4, 104);

        Assert.Null(Inspect(plain).Fault);
        Assert.Contains("too small for the virtual size", Inspect(Qcow2Bytes.Pokes(plain, 72, 8, 16)).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_shorter_file_is_cut_short()
    {
        var image = Qcow2Bytes.Version3();

        var passed = Enumerable.Range(4, image.Length - 4).Where(length => Inspect(image[..length]).Fault is null);

        Assert.Empty(passed);
    }

    [Theory]
    [InlineData("centos_template.img")]
    [InlineData("/srv/images/é.img")]
    public void Gives_the_backing_file_as_it_stands(string name)
    {
        var image = Qcow2Bytes.WithBackingFile(Qcow2Bytes.Version3(), name);
        Qcow2Bytes.WithExtensions(image, (BackingFormat, "qcow2"u8.ToArray()));

        Assert.Equal(new ImageHeader(ImageFormat.Qcow2, Qcow2Bytes.VirtualBytes, name, null), Inspect(image));
    }

    [Fact]
    public void Gives_the_backing_file_of_a_broken_image_too()
    {
        var image = Qcow2Bytes.Pokes(Qcow2Bytes.WithBackingFile(Qcow2Bytes.Version3(), "centos_template.img"), 72, 8, 2);

        Assert.Equal("centos_template.img", Inspect(image).BackingFile);
    }

    [Theory]
    [InlineData("a_template.img\0/etc/passwd")]
    [InlineData("a\nb")]
    public void Refuses_control_characters_in_the_backing_file(string name)
    {
        var fault = Inspect(Qcow2Bytes.WithBackingFile(Qcow2Bytes.Version3(), name)).Fault;

        Assert.Equal("the qcow2 backing file name holds control characters", fault);
    }

    [Theory]
    [InlineData("external data file", DataFile, "/etc/passwd")]
    [InlineData("encryption header", Encryption, "0123456789abcdef")]
    [InlineData("neither raw nor qcow2", BackingFormat, "vmdk")]
    [InlineData("neither raw nor qcow2", BackingFormat, "")]
    [InlineData("name is too long", BackingFormat, "qcow2 and so on.")]
    public void Finds_a_hostile_extension(string fault, uint type, string data)
    {
        var image = Qcow2Bytes.WithBackingFile(Qcow2Bytes.Version3(), "a_template.img");

        Qcow2Bytes.WithExtensions(image, (0x12345678, new byte[5]), (FeatureNames, new byte[96]), (type, Encoding.ASCII.GetBytes(data)));

        Assert.Contains(fault, Inspect(image).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Does_not_mind_the_backing_format_of_no_backing_file()
    {
        var image = Qcow2Bytes.WithExtensions(Qcow2Bytes.Version3(), (BackingFormat, "vmdk"u8.ToArray()));

        Assert.Null(Inspect(image).Fault);
    }

    [Fact]
    public void Skips_unknown_extensions_and_those_behind_the_end()
    {
        var image = Qcow2Bytes.WithExtensions(
            Qcow2Bytes.Version3(), (0x12345678, new byte[3]), (FeatureNames, new byte[96]), (0, []), (DataFile, "x"u8.ToArray()));

        Assert.Null(Inspect(image).Fault);
    }

    [Theory]
    [InlineData(Qcow2Bytes.Cluster - 104 - 8, null)]
    [InlineData(Qcow2Bytes.Cluster - 104 - 7, "longer than its place")]
    [InlineData(0xffffffff, "longer than its place")]
    public void Bounds_the_length_of_an_extension(long length, string? fault)
    {
        var found = Inspect(Qcow2Bytes.Pokes(Qcow2Bytes.Version3(), 104, 4, 0x12345678, 108, 4, length)).Fault;

        Assert.Equal(fault is null, found is null);
        Assert.Contains(fault ?? "", found ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void Bounds_the_number_of_extensions(int count, bool passes)
    {
        var extensions = Enumerable.Repeat((0x12345678u, Array.Empty<byte>()), count - 1).Append((0u, []));

        Assert.Equal(passes, Inspect(Qcow2Bytes.WithExtensions(Qcow2Bytes.Version3(), [.. extensions])).Fault is null);
    }

    private static ImageHeader Inspect(byte[] image) => new ImageInspector().Inspect(new BytesSource(image));
}
