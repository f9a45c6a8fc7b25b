using System.Buffers.Binary;
using System.Numerics;

namespace StorageHost.Qemu.Foreign;

/// <summary>What the tables of a VHDX image say of its disk.</summary>
/// <param name="VirtualBytes">The size that a guest sees.</param>
/// <param name="BlockBytes">How large a block is.</param>
/// <param name="Ratio">After how many blocks a map of sectors stands in the table.</param>
internal readonly record struct VhdxDisk(ulong VirtualBytes, ulong BlockBytes, ulong Ratio)
{
    private const int TableBytes = 64 * 1024;
    private const ulong MaxBytes = 64UL << 40;

    /// <summary>How many entries the table of blocks has, maps of sectors among them.</summary>
    public ulong Entries => (VirtualBytes + BlockBytes - 1) / BlockBytes is var blocks and not 0 ? blocks + ((blocks - 1) / Ratio) : 0;

    /// <summary>Reads it.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public static string? Read(HeaderWindow image, ulong offset, uint bytes, out VhdxDisk disk)
    {
        const string Broken = "the VHDX table of what the image is is broken";
        disk = default;
        var table = new byte[TableBytes];
        if (bytes < TableBytes || !image.TryRead((long)offset, table) || !table.AsSpan().StartsWith("metadata"u8))
        {
            return Broken;
        }

        Span<byte> item = stackalloc byte[8];
        if (Find(table, VhdxIds.Parent) is not null)
        {
            return Differs;
        }

        if (!TryReadItem(image, offset, bytes, Find(table, VhdxIds.File), item))
        {
            return Broken;
        }

        var (block, flags) = (Word(item, 0), Word(item, 4));
        if (!TryReadItem(image, offset, bytes, Find(table, VhdxIds.Size), item))
        {
            return Broken;
        }

        var size = BinaryPrimitives.ReadUInt64LittleEndian(item);
        if (!TryReadItem(image, offset, bytes, Find(table, VhdxIds.SectorBytes), item[..4]))
        {
            return Broken;
        }

        var sector = Word(item, 0);
        if ((flags & 2) != 0)
        {
            return Differs;
        }

        if (block is < (1 << 20) or > (256 << 20) || !BitOperations.IsPow2(block) || sector is not (512 or 4096))
        {
            return $"the VHDX blocks have {block} bytes, the sectors {sector}";
        }

        disk = new VhdxDisk(size, block, ((ulong)sector << 23) / block);
        return size > MaxBytes ? "the VHDX virtual size is above 64 TiB"
            : size % sector != 0 ? "the VHDX virtual size is no whole sector"
            : null;
    }

    private const string Differs = "the VHDX image differs from another one; make it one file first (Convert-VHD)";

    private static (uint Offset, uint Bytes)? Find(byte[] table, ReadOnlySpan<byte> id)
    {
        var count = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(table.AsSpan(10)), (ushort)2047);
        for (var number = 0; number < count; number++)
        {
            var entry = table.AsSpan(32 + (32 * number), 32);
            if (entry.StartsWith(id))
            {
                return (Word(entry, 16), Word(entry, 20));
            }
        }

        return null;
    }

    private static bool TryReadItem(HeaderWindow image, ulong table, uint bytes, (uint Offset, uint Bytes)? place, Span<byte> item) =>
        place is { } found && found.Bytes >= item.Length && found.Offset >= TableBytes && found.Offset <= bytes - item.Length
            && image.TryRead((long)(table + found.Offset), item);

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}
