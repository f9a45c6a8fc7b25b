using System.Text;
using StorageHost.Qemu;
using Xunit;

namespace StorageHost.Tests.Qemu.Foreign;

public sealed class ForeignImageTests
{
    private const int Mutations = 5000;
    private const int MaxBytesRead = 8 << 20;

    public static TheoryData<string> Kinds => new(Samples.Kinds);

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_qemu_img_makes_may_be_converted(string kind)
    {
        var image = await Samples.GetAsync(kind);
        Assert.Equal(Samples.FormatOf(kind), new ImageInspector().FindForeign(new Counted(image))!.Format);
        Assert.Null(Counted.FindFault(image));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_is_cut_short_is_found_wherever_it_is_cut(string kind)
    {
        var image = await Samples.GetAsync(kind);

        // Behind its last grain a VMDK that was written as a stream has room for another one, and a VHDX the rest of its last block.
        var end = kind is "vhdx" ? image.Length - (1 << 20) : kind is "vmdk stream" ? image.Length - (128 << 10) : image.Length - 1;
        for (var length = 600; length < end; length += (end / 200) + 1)
        {
            Assert.True(Counted.FindFault(image[..length]) is not null, $"cut at {length} of {image.Length}");
        }

        Assert.True(Counted.FindFault(image[..end]) is not null, $"cut at {end} of {image.Length}");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Thousands_of_broken_images_are_found_or_harmless_in_bounded_reads(string kind)
    {
        var seed = await Samples.GetAsync(kind);
        var random = new Random(20_261_128);
        var faults = new HashSet<string>(StringComparer.Ordinal);
        int[] places = [.. Enumerable.Range(0, seed.Length).Where(at => seed[at] != 0 && (at < 4096 || at >= seed.Length - 512 || at % 65536 < 600)).Take(3000)];
        for (var number = 0; number < Mutations; number++)
        {
            var image = seed.ToArray();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                var at = random.Next(3) == 0 ? random.Next(1024) : places[random.Next(places.Length)];
                image[at] = random.Next(3) switch { 0 => 0xff, 1 => (byte)(image[at] + random.Next(-1, 2)), _ => (byte)random.Next(256) };
            }

            var counted = new Counted(random.Next(10) == 0 ? image[..random.Next(image.Length)] : image);
            if (Counted.FindFault(counted) is { } fault)
            {
                faults.Add(string.Concat(fault.Where(c => !char.IsAsciiDigit(c))));
            }

            Assert.InRange(counted.Bytes, 0, MaxBytesRead);
        }

        Assert.InRange(faults.Count, kind == "vhd fixed" ? 1 : 4, 60);
    }

    [Theory]
    [InlineData("monolithicFlat", "FLAT \"/etc/passwd\" 0", "VMDK image is of another type")]
    [InlineData("monolithicSparse", "FLAT \"/etc/passwd\" 0", "the VMDK extent is none of the image itself")]
    [InlineData("monolithicSparse", "SPARSE \"/etc/passwd\"", "the VMDK extent is none of the image itself")]
    [InlineData("monolithicSparse", "SPARSE \"../x.vmdk\"", "the VMDK extent is none of the image itself")]
    [InlineData("monolithicSparse", "SPARSE \"a\"\nRW 8 SPARSE \"b\"", "the VMDK image has not exactly one extent")]
    [InlineData("monolithicSparse", "SPARSE \"a\"\nrw 8 FLAT \"/etc/shadow\" 0", "the VMDK image has not exactly one extent")]
    [InlineData("monolithicSparse", "SPARSE \"a\"\n# parentFileNameHint=\"/etc/passwd\"", "the VMDK image differs from another one")]
    [InlineData("monolithicSparse", "SPARSE \"a\"\nparentCID=12345678", "the VMDK image differs from another one")]
    [InlineData("monolithicSparse", "SPARSE \"a\"\n# createType=\"twoGbMaxExtentFlat\"", "the VMDK descriptor says twice")]
    [InlineData("streamOptimized", "SPARSE \"a\"", "the VMDK descriptor says streamOptimized, the header monolithicSparse")]
    [InlineData("vmfsSparse", "VMFSSPARSE \"a\"", "VMDK image is of another type")]
    public async Task A_vmdk_whose_descriptor_leads_elsewhere_is_refused(string type, string extent, string fault)
    {
        var image = (await Samples.GetAsync("vmdk")).ToArray();
        var descriptor = image.AsSpan(512, 10240);
        var text = Encoding.Latin1.GetString(descriptor).Split('\0')[0];
        descriptor.Clear();
        var changed = text.Replace("createType=\"monolithicSparse\"", $"createType=\"{type}\"", StringComparison.Ordinal);
        var line = changed.Split('\n').Single(each => each.StartsWith("RW ", StringComparison.Ordinal));
        changed = changed.Replace(line, $"{string.Join(' ', line.Split(' ')[..2])} {extent}", StringComparison.Ordinal);
        Encoding.Latin1.GetBytes(changed).CopyTo(descriptor);
        Assert.Contains(fault, Counted.FindFault(image), StringComparison.Ordinal);
    }

    [Fact]
    public void A_vmdk_that_is_only_a_descriptor_is_refused() => Assert.Contains(
        "its data may lie in other files",
        Counted.FindFault([.. "# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicFlat\"\nRW 8 FLAT \"/etc/passwd\" 0\n"u8, .. new byte[1024]]),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("vmdk", 12, "the VMDK file holds no data: it only describes where it lies", 0, 0, 0, 0, 0, 0, 0, 0)]
    [InlineData("vmdk", 12, "the virtual size is above 1 PiB", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0)]
    [InlineData("vmdk", 20, "the VMDK grains have 0 sectors", 0)]
    [InlineData("vmdk", 44, "the VMDK grain tables have 0 entries", 0, 0)]
    [InlineData("vmdk", 28, "the VMDK file has no descriptor behind its header", 0)]
    [InlineData("vdi", 0x4c, "the VDI image is a snapshot or differs from another one; make it one file first (VBoxManage clonemedium)", 4)]
    [InlineData("vdi", 0x1a8, "the VDI image is a snapshot or differs from another one; make it one file first (VBoxManage clonemedium)", 1)]
    [InlineData("vdi", 0x1b8, "the VDI image is a snapshot or differs from another one; make it one file first (VBoxManage clonemedium)", 1)]
    [InlineData("vdi", 0x170, "the virtual size is above 1 PiB", 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)]
    [InlineData("vdi", 0x170, "the VDI table is too small for the virtual size", 0, 0, 0, 0, 0, 1, 0, 0)]
    [InlineData("vdi", 0x154, "the VDI tables do not begin on a sector", 1)]
    public async Task A_field_that_makes_no_sense_is_named(string kind, int at, string fault, params int[] bytes)
    {
        var image = (await Samples.GetAsync(kind)).ToArray();
        bytes.Select(each => (byte)each).ToArray().CopyTo(image, at);
        Assert.Equal(fault, Counted.FindFault(image));
    }
}
