using System.Buffers.Binary;
using System.Numerics;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu.Foreign;

/// <summary>VHDX, Hyper-V's format: two headers, two lists of regions, a table of what the disk is, and one of its blocks.</summary>
internal static class VhdxImage
{
    private const int RegionBytes = 64 * 1024;

    public static ForeignParts Open(IHeaderSource source, HeaderWindow image)
    {
        if (FindHeaderFault(image) is { } broken)
        {
            return new(broken);
        }

        var regions = new byte[RegionBytes];
        if (!TryReadRegions(image, 192 << 10, regions) && !TryReadRegions(image, 256 << 10, regions))
        {
            return new("neither list of the VHDX image's regions is whole");
        }

        var (table, tableBytes) = Region(regions, VhdxIds.Blocks);
        var (metadata, metadataBytes) = Region(regions, VhdxIds.Metadata);
        if (table == 0 || metadata == 0)
        {
            return new("the VHDX image lacks the table of its blocks or of what it is");
        }

        if (metadata > (ulong)image.Length || metadataBytes > (ulong)image.Length - metadata)
        {
            return new("the VHDX table of what the image is lies beyond the end of the file: it may have been cut short");
        }

        var fault = VhdxDisk.Read(image, metadata, metadataBytes, out var disk);
        return fault is not null ? new(fault)
            : disk.Entries * sizeof(ulong) > tableBytes ? new("the VHDX table is too small for the virtual size")
            : new(null, new Check(source, table, disk));
    }

    private static string? FindHeaderFault(HeaderWindow image)
    {
        const int HeaderBytes = 4096;
        Span<byte> header = stackalloc byte[HeaderBytes];
        ulong latest = 0;
        var isFound = false;
        string? fault = null;
        foreach (var offset in (ReadOnlySpan<int>)[64 << 10, 128 << 10])
        {
            if (!image.TryRead(offset, header) || !header.StartsWith("head"u8) || !Fits(header))
            {
                continue;
            }

            var sequence = Long(header, 8);
            if (!isFound || sequence > latest)
            {
                (latest, isFound) = (sequence, true);
                fault = header.Slice(48, 16).ContainsAnyExcept((byte)0)
                    ? "the VHDX image was not closed: changes wait in its log; open and close it once where it comes from"
                    : BinaryPrimitives.ReadUInt16LittleEndian(header[66..]) != 1 ? "the VHDX version is unknown"
                    : null;
            }
        }

        return isFound ? fault : "neither header of the VHDX image is whole";
    }

    private static bool TryReadRegions(HeaderWindow image, int offset, byte[] regions) =>
        image.TryRead(offset, regions) && regions.AsSpan().StartsWith("regi"u8) && Fits(regions) && Word(regions, 8) <= 2047;

    /// <summary>A region, by its id; (0, 0) when it is not there, or there twice.</summary>
    private static (ulong Offset, uint Bytes) Region(byte[] regions, ReadOnlySpan<byte> id)
    {
        var found = (Offset: 0UL, Bytes: 0u);
        for (var number = 0; number < Word(regions, 8); number++)
        {
            var entry = regions.AsSpan(16 + (32 * number), 32);
            if (entry.StartsWith(id))
            {
                if (found.Offset != 0)
                {
                    return default;
                }

                found = (Long(entry, 16), Word(entry, 24));
            }
        }

        return found;
    }

    /// <summary>Whether a CRC-32C at offset 4 is that of the bytes, with zeros in its own place.</summary>
    private static bool Fits(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (var i = 0; i < bytes.Length; i++)
        {
            crc = BitOperations.Crc32C(crc, i is >= 4 and < 8 ? (byte)0 : bytes[i]);
        }

        return ~crc == Word(bytes, 4);
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong Long(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    private sealed class Check(IHeaderSource source, ulong table, VhdxDisk disk) : TableCheck(source, "VHDX")
    {
        private const ulong OffsetMask = ~0xfffffUL;
        private const int Present = 6;
        private const int PartlyPresent = 7;

        protected override IEnumerable<int> Walk()
        {
            foreach (var (first, entries) in Table(table, disk.Entries, sizeof(ulong)))
            {
                for (var at = 0; at < entries.Length; at += sizeof(ulong))
                {
                    var (number, entry) = (first + ((ulong)at / sizeof(ulong)), Long(entries.Span, at));

                    // After so many blocks comes a map of their sectors, which only a differing image uses.
                    if (number % (disk.Ratio + 1) == disk.Ratio)
                    {
                        continue;
                    }

                    var guest = (number - (number / (disk.Ratio + 1))) * disk.BlockBytes;
                    switch ((int)(entry & 7))
                    {
                        case Present when guest < disk.VirtualBytes:
                            Need(entry & OffsetMask, Math.Min(disk.BlockBytes, disk.VirtualBytes - guest));
                            break;
                        case PartlyPresent:
                            Refuse("has blocks that are partly in another image");
                            break;
                    }
                }

                yield return entries.Length;
            }
        }
    }
}
