using System.Buffers.Binary;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu.Foreign;

/// <summary>VMDK, VMware's format, where all of it is one file with its own descriptor: monolithicSparse and streamOptimized.</summary>
internal static class VmdkImage
{
    private const int SectorBytes = 512;
    private const int MarkerBytes = 12;
    private const ulong AtEnd = ulong.MaxValue;
    private const uint Compressed = 1 << 16;
    private const uint Marked = 1 << 17;
    private const uint ZeroGrains = 1 << 2;

    public static ForeignParts Open(IHeaderSource source, HeaderWindow image)
    {
        Span<byte> front = stackalloc byte[SectorBytes];
        Span<byte> header = stackalloc byte[SectorBytes];
        if (!image.Head.StartsWith("KDMV"u8))
        {
            return new("the VMDK image is of another type than monolithicSparse and streamOptimized: its data may lie in other files");
        }

        if (!image.TryRead(0, front))
        {
            return new("the VMDK header is cut short");
        }

        front.CopyTo(header);
        if (Long(front, 56) == AtEnd && FindFooter(image, header) is { } missing)
        {
            return new(missing);
        }

        var layout = Layout.Read(header);
        return new(
            FindFault(layout, image) ?? FindDescriptorFault(front, image, layout.IsCompressed),
            new Check(source, layout));
    }

    /// <summary>What was written as a stream has its header once more at its end, when it was known where the tables came to lie.</summary>
    private static string? FindFooter(HeaderWindow image, Span<byte> header)
    {
        Span<byte> footer = stackalloc byte[3 * SectorBytes];
        var isThere = image.TryRead(image.Length - footer.Length, footer) && Word(footer, MarkerBytes) == 3
            && footer[SectorBytes..].StartsWith("KDMV"u8) && Word(footer, (2 * SectorBytes) + 8) == 0
            && Word(footer, (2 * SectorBytes) + MarkerBytes) == 0;
        footer.Slice(SectorBytes, SectorBytes).CopyTo(header);
        return isThere ? null : "the VMDK image is cut short: its footer is not at its end";
    }

    private static string? FindFault(Layout layout, HeaderWindow image) =>
        layout.Version is < 1 or > 3 ? $"the VMDK version {layout.Version} is unknown"
        : layout.Capacity is 0 ? "the VMDK file holds no data: it only describes where it lies"
        : layout.Capacity > ImageInspector.MaxVirtualBytes / SectorBytes ? "the virtual size is above 1 PiB"
        : layout.Grain is 0 or > 4096 ? $"the VMDK grains have {layout.Grain} sectors"
        : layout.TableEntries is 0 or > 512 ? $"the VMDK grain tables have {layout.TableEntries} entries"
        : layout.IsCompressed && (layout.Algorithm != 1 || !layout.IsMarked) ? "the VMDK image is compressed in a way that is not known"
        : layout.Directory is 0 or > long.MaxValue / SectorBytes
            || (layout.Directory * SectorBytes) + (4 * layout.Tables) > (ulong)image.Length
            ? "the VMDK grain directory lies beyond the end of the file: it may have been cut short"
        : null;

    private static string? FindDescriptorFault(ReadOnlySpan<byte> front, HeaderWindow image, bool isCompressed)
    {
        var (offset, sectors) = (Long(front, 28), Long(front, 36));
        if (offset is not 1 || sectors is 0)
        {
            return "the VMDK file has no descriptor behind its header";
        }

        // QEMU reads so much, and from there, whatever the header says.
        var bytes = new byte[(int)Math.Min(VmdkDescriptor.MaxBytes, Math.Max(0, image.Length - ((long)offset * SectorBytes)))];
        return sectors * SectorBytes > (1 << 20) ? "the VMDK descriptor is larger than 1 MiB"
            : !image.TryRead((long)offset * SectorBytes, bytes) ? "the VMDK descriptor lies beyond the end of the file"
            : VmdkDescriptor.FindFault(bytes, isCompressed);
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong Long(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    /// <summary>Where the tables lie and how large they are; all but the entries in sectors.</summary>
    private readonly record struct Layout(
        uint Version, uint Flags, ulong Capacity, ulong Grain, uint TableEntries, ulong Directory, ushort Algorithm)
    {
        public bool IsCompressed => (Flags & Compressed) != 0;

        public bool IsMarked => (Flags & Marked) != 0;

        public ulong Tables => (Capacity + (TableEntries * Grain) - 1) / (TableEntries * Grain);

        public static Layout Read(ReadOnlySpan<byte> header) => new(
            Word(header, 4), Word(header, 8), Long(header, 12), Long(header, 20), Word(header, 44), Long(header, 56),
            BinaryPrimitives.ReadUInt16LittleEndian(header[77..]));
    }

    private sealed class Check(IHeaderSource source, Layout layout) : TableCheck(source, "VMDK")
    {
        private readonly ulong length = (ulong)source.Length;
        private ulong last;

        protected override IEnumerable<int> Walk()
        {
            var covered = layout.TableEntries * layout.Grain;
            foreach (var (first, tables) in Table(layout.Directory * SectorBytes, layout.Tables, sizeof(uint)))
            {
                for (var at = 0; at < tables.Length; at += sizeof(uint))
                {
                    if (Word(tables.Span, at) is not 0 and var table)
                    {
                        var sector = (first + ((ulong)at / sizeof(uint))) * covered;
                        foreach (var step in Grains(table, sector))
                        {
                            yield return step;
                        }
                    }
                }

                yield return tables.Length;
            }

            NeedLast();
        }

        private IEnumerable<int> Grains(uint table, ulong sector)
        {
            foreach (var (first, grains) in Table((ulong)table * SectorBytes, layout.TableEntries, sizeof(uint)))
            {
                for (var at = 0; at < grains.Length; at += sizeof(uint))
                {
                    var guest = sector + ((first + ((ulong)at / sizeof(uint))) * layout.Grain);
                    if (guest < layout.Capacity && Word(grains.Span, at) is not 0 and var grain
                        && !(grain == 1 && (layout.Flags & ZeroGrains) != 0))
                    {
                        Need((ulong)grain * SectorBytes, Bytes(guest));
                        last = (ulong)grain * SectorBytes < length ? Math.Max(last, (ulong)grain * SectorBytes) : last;
                    }
                }

                yield return grains.Length;
            }
        }

        /// <summary>What a grain takes at least.</summary>
        private ulong Bytes(ulong guest) =>
            layout.IsCompressed ? MarkerBytes : Math.Min(layout.Grain, layout.Capacity - guest) * SectorBytes;

        /// <summary>Compressed grains say themselves how long they are. They lie one after the other, so the last one tells.</summary>
        private void NeedLast()
        {
            Span<byte> marker = stackalloc byte[MarkerBytes];
            if (layout.IsCompressed && last > 0 && TryRead(last, marker))
            {
                Need(last + MarkerBytes, Word(marker, sizeof(ulong)));
            }
        }
    }
}
