using System.Buffers.Binary;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu.Foreign;

/// <summary>VHD (Virtual PC, older Hyper-V, Azure): fixed, or with one table of blocks. Its footer stands at the end of the file.</summary>
internal static class VhdImage
{
    private const int FooterBytes = 512;
    private const int HeaderBytes = 1024;
    private const uint Fixed = 2;
    private const uint Dynamic = 3;
    private const uint Absent = 0xffff_ffff;

    /// <summary>Larger ones no table of 32 bits can name: what QEMU takes, in bytes.</summary>
    private const ulong MaxBytes = 0xff00_0000UL * 512;

    public static ForeignParts Open(IHeaderSource source, HeaderWindow image)
    {
        Span<byte> footer = stackalloc byte[FooterBytes];
        if (!image.TryRead(image.Length - FooterBytes, footer) || !footer.StartsWith("conectix"u8))
        {
            return new("the VHD image is cut short: its footer is not at its end");
        }

        var (type, size) = (Word(footer, 60), BinaryPrimitives.ReadUInt64BigEndian(footer[48..]));
        var fault = !Fits(footer, 64) ? "the checksum of the VHD footer is wrong"
            : type is not (Fixed or Dynamic) ? "the VHD image differs from another one; make it one file first (Convert-VHD)"
            : footer[84] != 0 ? "the VHD image is of a machine that was saved while it ran"
            : size > MaxBytes ? "the VHD virtual size is above 2 TiB"
            : size == 0 ? "the VHD virtual size is 0"
            : null;
        if (fault is not null || type == Fixed)
        {
            return new(fault ?? (size > (ulong)(image.Length - FooterBytes) ? "the VHD image is cut short" : null));
        }

        return OpenDynamic(source, image, footer, size);
    }

    private static ForeignParts OpenDynamic(IHeaderSource source, HeaderWindow image, ReadOnlySpan<byte> footer, ulong size)
    {
        // QEMU believes the copy in front.
        Span<byte> copy = stackalloc byte[FooterBytes];
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (!image.TryRead(0, copy) || !copy.SequenceEqual(footer))
        {
            return new("the two footers of the VHD image are not the same");
        }

        var at = BinaryPrimitives.ReadUInt64BigEndian(footer[16..]);
        if (at > long.MaxValue || !image.TryRead((long)at, header) || !header.StartsWith("cxsparse"u8))
        {
            return new("the VHD header is not where the footer says");
        }

        var (table, entries, block) = (BinaryPrimitives.ReadUInt64BigEndian(header[16..]), Word(header, 28), Word(header, 32));
        var fault = !Fits(header, 36) ? "the checksum of the VHD header is wrong"
            : block is < 4096 or > (256 << 20) || (block & (block - 1)) != 0 ? $"the VHD blocks have {block} bytes"
            : (ulong)entries * block < size ? "the VHD table is too small for the virtual size"
            : table > (ulong)image.Length || 4UL * entries > (ulong)image.Length - table ? "the VHD table lies beyond the end of the file"
            : null;
        return new(fault, new Check(source, table, entries, block));
    }

    /// <summary>Whether a checksum at an offset is that of the bytes: all of them added up, without its own, and turned round.</summary>
    private static bool Fits(ReadOnlySpan<byte> bytes, int offset)
    {
        var sum = 0u;
        for (var i = 0; i < bytes.Length; i++)
        {
            sum += i >= offset && i < offset + sizeof(uint) ? 0u : bytes[i];
        }

        return Word(bytes, offset) == ~sum;
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes[offset..]);

    private sealed class Check(IHeaderSource source, ulong table, uint entries, uint block) : TableCheck(source, "VHD")
    {
        private const uint SectorBytes = 512;

        /// <summary>Each block has a map of its sectors in front of it, in whole sectors.</summary>
        private readonly ulong bytes = (((block / SectorBytes / 8) + SectorBytes - 1) / SectorBytes * SectorBytes) + block;

        protected override IEnumerable<int> Walk()
        {
            foreach (var (_, slice) in Table(table, entries, sizeof(uint)))
            {
                for (var at = 0; at < slice.Length; at += sizeof(uint))
                {
                    if (Word(slice.Span, at) is not Absent and var sector)
                    {
                        Need((ulong)sector * SectorBytes, bytes);
                    }
                }

                yield return slice.Length;
            }
        }
    }
}
