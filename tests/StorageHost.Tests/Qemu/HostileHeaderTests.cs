using FsCheck;
using FsCheck.Fluent;
using StorageHost.Images.Templates;
using StorageHost.Qemu;
using Xunit;

namespace StorageHost.Tests.Qemu;

/// <summary>What holds for any content whatever.</summary>
public sealed class HostileHeaderTests
{
    private const int MaxBytesRead = 8192;
    private const int Mutations = 100_000;
    private const long MaxBytesAllocated = 1 << 20;

    [Fact]
    public void A_hundred_thousand_broken_headers_are_found_or_harmless()
    {
        var random = new Random(20_240_801);
        byte[][] seeds = [Qcow2Bytes.Version2(), Qcow2Bytes.Version3(), WithEverything()];
        var faults = new HashSet<string>(StringComparer.Ordinal);
        var passed = 0;

        for (var i = 0; i < Mutations; i++)
        {
            var image = Mutate(seeds[i % seeds.Length], random);
            if (Check(image).Fault is { } fault)
            {
                faults.Add(string.Concat(fault.Where(c => !char.IsAsciiHexDigit(c))));
            }
            else
            {
                passed++;
            }
        }

        // Else the mutations would show little: all refused for one reason, or none at all.
        Assert.InRange(faults.Count, 20, 100);
        Assert.InRange(passed, 100, Mutations / 2);
    }

    [Fact]
    public void Any_bytes_are_raw_or_have_a_fault()
    {
        var images =
            from bytes in ArbMap.Default.ArbFor<byte[]>().Generator
            from magic in Gen.Elements<byte[]>([], [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 2], [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3])
            from padding in Gen.Elements(0, 60, 200, 5000)
            select (byte[])[.. magic, .. bytes, .. new byte[padding]];

        Prop.ForAll(images.ToArbitrary(), image => Check(image).Format == ImageFormat.Raw || Check(image).Fault is not null)
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_sound_geometry_passes_with_its_size()
    {
        var geometries =
            from bits in Gen.Choose(9, 21)
            from extendedL2 in Gen.Elements(false, bits >= 14)
            from sectors in Gen.Choose(0, int.MaxValue).Select(n => (long)n)
            select (bits, extendedL2, bytes: Math.Min(sectors * 512, 4_000_000L << ((2 * bits) - (extendedL2 ? 4 : 3))));

        Prop.ForAll(geometries.ToArbitrary(), g =>
        {
            var cluster = 1L << g.bits;
            var covered = 1L << ((2 * g.bits) - (g.extendedL2 ? 4 : 3));
            var entries = (g.bytes + covered - 1) / covered;
            var head = Qcow2Bytes.Pokes(
                Qcow2Bytes.Version3()[..4096], 20, 4, g.bits, 24, 8, g.bytes, 36, 4, entries, 40, 8, 2 * cluster, 48, 8, cluster);
            Qcow2Bytes.Pokes(head, 72, 8, g.extendedL2 ? 16 : 0);

            var header = new ImageInspector().Inspect(new BytesSource(head, (2 * cluster) + (8 * entries)));
            return header == new ImageHeader(ImageFormat.Qcow2, g.bytes, null, null);
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>Inspects, and asserts what must hold whatever the bytes are.</summary>
    private static ImageHeader Check(byte[] image)
    {
        var source = new BytesSource(image);
        var inspector = new ImageInspector();
        var allocated = GC.GetAllocatedBytesForCurrentThread();

        var header = inspector.Inspect(source);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, MaxBytesAllocated);
        Assert.InRange(source.BytesRead, 0, MaxBytesRead);
        Assert.InRange(header.VirtualBytes, 0, 1L << 50);
        if (header.Fault is { } fault)
        {
            Assert.DoesNotContain(fault, char.IsControl);
            Assert.DoesNotContain('/', fault);
            Assert.InRange(fault.Length, 10, 120);
        }
        else if (header.Format == ImageFormat.Qcow2)
        {
            AssertTablesLieInTheFile(image);
        }

        return header;
    }

    private static void AssertTablesLieInTheFile(byte[] image)
    {
        var bits = (int)Field(image, 20, 4);
        Assert.InRange<UInt128>(Field(image, 40, 8) + (8 * Field(image, 36, 4)), 0, (UInt128)image.Length);
        Assert.InRange<UInt128>(Field(image, 48, 8) + (Field(image, 56, 4) << bits), 1, (UInt128)image.Length);
        Assert.InRange<UInt128>(Field(image, 24, 8), 0, Field(image, 36, 4) << ((2 * bits) - 3));
        Assert.Equal(0u, Field(image, 32, 4));
    }

    private static UInt128 Field(byte[] image, int offset, int width) =>
        image.AsSpan(offset, width).ToArray().Aggregate(UInt128.Zero, (value, next) => (value << 8) | next);

    private static byte[] WithEverything() => Qcow2Bytes.WithBackingFile(
        Qcow2Bytes.WithExtensions(
            Qcow2Bytes.Version3(), (0xe2792aca, "qcow2"u8.ToArray()), (0x6803f857, new byte[96]), (0x23852875, new byte[24])),
        "centos_template.img");

    /// <summary>Changes one to four bytes of what is read, or cuts the file, in ways that hit the fields' limits.</summary>
    private static byte[] Mutate(byte[] seed, Random random)
    {
        var image = seed.AsSpan(0, random.Next(10) == 0 ? random.Next(seed.Length) : seed.Length).ToArray();
        for (var i = random.Next(1, 5); i > 0 && image.Length > 0; i--)
        {
            var at = random.Next(4, random.Next(8) == 0 ? 1100 : 112);
            if (at < image.Length)
            {
                image[at] = random.Next(4) switch
                {
                    0 => 0xff,
                    1 => (byte)(1 << random.Next(8)),
                    2 => (byte)(image[at] + random.Next(-1, 2)),
                    _ => (byte)random.Next(256),
                };
            }
        }

        return image;
    }
}
