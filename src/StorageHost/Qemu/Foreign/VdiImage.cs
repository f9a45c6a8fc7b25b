using System.Buffers.Binary;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu.Foreign;

/// <summary>VDI, VirtualBox's own format: one table of blocks of 1 MiB.</summary>
internal static class VdiImage
{
    private const uint Version = 0x0001_0001;
    private const uint BlockBytes = 1 << 20;
    private const uint SectorBytes = 512;
    private const int HeaderBytes = 512;

    /// <summary>Reads the header.</summary>
    /// <returns>What is wrong with it, or what looks through the tables.</returns>
    public static ForeignParts Open(IHeaderSource source, HeaderWindow image)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (!image.TryRead(0, header))
        {
            return new("the VDI header is cut short");
        }

        var (type, map, data) = (Word(header, 0x4c), Word(header, 0x154), Word(header, 0x158));
        var (size, blocks) = (BinaryPrimitives.ReadUInt64LittleEndian(header[0x170..]), Word(header, 0x180));
        var fault = Word(header, 0x44) != Version ? $"the VDI version {Word(header, 0x44) >> 16}.{Word(header, 0x44) & 0xffff} is not 1.1"
            : type is not (1 or 2) || header[0x1a8..0x1c8].ContainsAnyExcept((byte)0)
                ? "the VDI image is a snapshot or differs from another one; make it one file first (VBoxManage clonemedium)"
            : Word(header, 0x168) != SectorBytes ? $"the VDI sectors have {Word(header, 0x168)} bytes, not {SectorBytes}"
            : Word(header, 0x178) != BlockBytes ? $"the VDI blocks have {Word(header, 0x178)} bytes, not {BlockBytes}"
            : Word(header, 0x17c) != 0 ? "the VDI blocks have something in front of them"
            : size > ImageInspector.MaxVirtualBytes ? "the virtual size is above 1 PiB"
            : size > (ulong)blocks * BlockBytes ? "the VDI table is too small for the virtual size"
            : map % SectorBytes != 0 || data % SectorBytes != 0 ? "the VDI tables do not begin on a sector"
            : map < HeaderBytes || map + (4UL * blocks) > data ? "the VDI table lies over the header or the data"
            : null;
        return new(fault, new Check(source, map, data, blocks));
    }

    private static uint Word(ReadOnlySpan<byte> header, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(header[offset..]);

    private sealed class Check(IHeaderSource source, uint map, uint data, uint blocks) : TableCheck(source, "VDI")
    {
        /// <summary>Two numbers say that a block is not there.</summary>
        private const uint FirstAbsent = 0xffff_fffe;

        protected override IEnumerable<int> Walk()
        {
            foreach (var (_, entries) in Table(map, blocks, sizeof(uint)))
            {
                for (var at = 0; at < entries.Length; at += sizeof(uint))
                {
                    if (Word(entries.Span, at) is < FirstAbsent and var block)
                    {
                        Need(data + ((ulong)block * BlockBytes), BlockBytes);
                    }
                }

                yield return entries.Length;
            }
        }
    }
}
