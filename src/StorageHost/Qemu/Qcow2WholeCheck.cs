using System.Buffers.Binary;
using System.Numerics;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu;

/// <summary>
/// Walks all tables of a qcow2 image and finds out how long the file must be. Only bounds are checked, never counts: whether a guest can
/// read its disk depends on nothing else that a cut file lacks. The last cluster may end early, as QEMU leaves it: what counts of it is
/// what the guest can see.
/// </summary>
internal sealed class Qcow2WholeCheck : IWholeCheck
{
    /// <summary>How much is read at a time, and so how much memory it takes, twice.</summary>
    private const int SliceBytes = 64 << 10;

    /// <summary>What a read costs at least.</summary>
    private const int MinReadCost = 4096;

    private const int EntryBytes = 8;
    private const int SectorBytes = 512;
    private const int SubclustersInCluster = 32;
    private const uint MaxL1Entries = (32 << 20) / EntryBytes;
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;
    private const ulong RefcountOffsetMask = ~0x1ffUL;
    private const ulong Compressed = 1UL << 62;

    private readonly IHeaderSource source;
    private readonly Qcow2Header header;
    private readonly Qcow2Bitmaps? bitmaps;
    private readonly ulong length;
    private readonly ulong cluster;
    private readonly int l2EntryBytes;
    private readonly byte[] outer = new byte[SliceBytes];
    private readonly byte[] inner = new byte[SliceBytes];
    private readonly IEnumerator<int> steps;
    private ulong needed;
    private long readBytes;
    private string? fault;

    /// <param name="source">The image.</param>
    /// <param name="header">Its header, which has no fault.</param>
    /// <param name="bitmaps">Its bitmaps, if it has any that count.</param>
    public Qcow2WholeCheck(IHeaderSource source, in Qcow2Header header, Qcow2Bitmaps? bitmaps)
    {
        (this.source, this.header, this.bitmaps) = (source, header, bitmaps);
        length = (ulong)source.Length;
        cluster = 1UL << (int)header.ClusterBits;
        l2EntryBytes = header.Features.HasFlag(Qcow2Features.ExtendedL2) ? 2 * EntryBytes : EntryBytes;
        steps = Walk().GetEnumerator();
    }

    /// <summary>
    /// Tables may name the same clusters as often as they like, and so a small file could be read for ever. Of 64 TiB they take 8 GiB.
    /// </summary>
    public long MaxReadBytes { get; init; } = 32L << 30;

    public string? Fault => fault
        ?? (needed > length ? $"the qcow2 image is cut short or still being copied: it needs {needed} bytes, has {length}" : null);

    public bool Advance(Func<bool> stop)
    {
        while (fault is null && steps.MoveNext())
        {
            if (stop())
            {
                return false;
            }
        }

        return true;
    }

    private IEnumerable<int> Walk() =>
        RefcountBlocks().Concat(Mapping(header.L1Offset, header.L1Entries, header.VirtualBytes)).Concat(Snapshots()).Concat(Bitmaps());

    private IEnumerable<int> RefcountBlocks()
    {
        var bits = 1UL << (int)header.RefcountOrder;
        var counted = cluster * 8 / bits;
        var clusters = (length + cluster - 1) / cluster;
        foreach (var (first, count) in Entries(header.RefcountOffset, header.RefcountClusters * cluster / EntryBytes, outer))
        {
            for (var i = 0; i < count; i++)
            {
                // Of a block, those counts matter that are of clusters in the file; all others are zero.
                var before = (first + (ulong)i) * counted;
                var counts = before >= clusters ? 0 : Math.Min(clusters - before, counted);
                NeedTable("refcount block", Entry(outer, i) & RefcountOffsetMask, Math.Max(1, ((counts * bits) + 7) / 8));
            }

            yield return count;
        }
    }

    /// <summary>An L1 table and all that it leads to.</summary>
    /// <param name="offset">Where it lies.</param>
    /// <param name="entries">Its length.</param>
    /// <param name="visible">How many bytes a guest sees through it; of all others only the beginning must be there.</param>
    private IEnumerable<int> Mapping(ulong offset, uint entries, ulong visible)
    {
        var perTable = cluster / (ulong)l2EntryBytes;
        var covered = perTable * cluster;
        foreach (var (first, count) in Entries(offset, entries, outer))
        {
            for (var i = 0; i < count; i++)
            {
                var guest = (first + (ulong)i) * covered;
                var used = guest >= visible ? perTable : Math.Min(perTable, (visible - guest + cluster - 1) / cluster);
                var table = Entry(outer, i) & OffsetMask;
                if (!NeedTable("L2 table", table, used * (ulong)l2EntryBytes))
                {
                    continue;
                }

                foreach (var (word, words) in Entries(table, cluster / EntryBytes, inner))
                {
                    NeedClusters(words, guest + (word * EntryBytes / (ulong)l2EntryBytes * cluster), visible);
                    yield return words;
                }
            }

            yield return count;
        }
    }

    private void NeedClusters(int words, ulong guest, ulong visible)
    {
        for (var i = 0; i < words; i += l2EntryBytes / EntryBytes, guest += cluster)
        {
            var entry = Entry(inner, i);
            if ((entry & Compressed) != 0)
            {
                NeedCompressed(entry);
            }
            else if ((entry & OffsetMask) is not 0 and var offset)
            {
                NeedAligned("cluster", offset, guest >= visible ? 1 : Math.Max(1, Math.Min(Written(entry, i), visible - guest)));
            }
        }
    }

    /// <summary>How much of a cluster, from its beginning, holds data: none when it reads as zeros.</summary>
    private ulong Written(ulong entry, int word)
    {
        if (l2EntryBytes == EntryBytes)
        {
            return (entry & 1) != 0 ? 0 : cluster;
        }

        var written = (uint)Entry(inner, word + 1);
        return (ulong)(SubclustersInCluster - BitOperations.LeadingZeroCount(written)) * (cluster / SubclustersInCluster);
    }

    /// <summary>Compressed data ends anywhere in its last sector.</summary>
    private void NeedCompressed(ulong entry)
    {
        var shift = 62 - ((int)header.ClusterBits - 8);
        var offset = entry & ((1UL << shift) - 1);
        var sectors = ((entry >> shift) & ((1UL << ((int)header.ClusterBits - 8)) - 1)) + 1;
        Need(((offset / SectorBytes) + sectors - 1) * SectorBytes, 1);
    }

    /// <summary>The snapshots' own L1 tables. What they alone lead to no guest sees, unless somebody goes back to one.</summary>
    private IEnumerable<int> Snapshots()
    {
        const int FixedBytes = 40;
        var entry = new byte[FixedBytes];
        var offset = header.SnapshotsOffset;
        for (var number = 0; number < header.Snapshots && Need(offset, FixedBytes); number++)
        {
            Read(offset, entry);
            var entries = BinaryPrimitives.ReadUInt32BigEndian(entry.AsSpan(8));
            var l1 = BinaryPrimitives.ReadUInt64BigEndian(entry);
            var more = (ulong)BinaryPrimitives.ReadUInt32BigEndian(entry.AsSpan(36))
                + BinaryPrimitives.ReadUInt16BigEndian(entry.AsSpan(12)) + BinaryPrimitives.ReadUInt16BigEndian(entry.AsSpan(14));
            if (entries > MaxL1Entries)
            {
                fault = "the L1 table of a qcow2 snapshot is larger than 32 MiB";
                yield break;
            }

            Need(offset + FixedBytes, more);
            offset += (FixedBytes + more + 7) & ~7UL;
            if (entries > 0 && NeedTable("snapshot's L1 table", l1, (ulong)entries * EntryBytes))
            {
                foreach (var step in Mapping(l1, entries, visible: 0))
                {
                    yield return step;
                }
            }

            yield return number;
        }
    }

    private IEnumerable<int> Bitmaps()
    {
        const int FixedBytes = 24;
        var entry = new byte[FixedBytes];
        var (count, bytes, offset) = bitmaps ?? default;
        var isThere = count > 0 && NeedTable("bitmap directory", offset, bytes);
        for (var number = 0; isThere && number < count && Need(offset, FixedBytes); number++)
        {
            Read(offset, entry);
            var entries = BinaryPrimitives.ReadUInt32BigEndian(entry.AsSpan(8));
            var table = BinaryPrimitives.ReadUInt64BigEndian(entry);
            var more = (ulong)BinaryPrimitives.ReadUInt16BigEndian(entry.AsSpan(18))
                + BinaryPrimitives.ReadUInt32BigEndian(entry.AsSpan(20));
            offset += (FixedBytes + more + 7) & ~7UL;
            if (NeedTable("bitmap table", table, (ulong)entries * EntryBytes))
            {
                foreach (var (_, words) in Entries(table, entries, outer))
                {
                    for (var i = 0; i < words; i++)
                    {
                        if ((Entry(outer, i) & OffsetMask) is not 0 and var named)
                        {
                            NeedAligned("bitmap's cluster", named, 1);
                        }
                    }

                    yield return words;
                }
            }

            yield return number;
        }
    }

    /// <summary>
    /// Reads a table in slices: the number of the first entry in the buffer, and how many there are. What the file lacks is left out.
    /// </summary>
    private IEnumerable<(ulong First, int Count)> Entries(ulong offset, ulong count, byte[] buffer)
    {
        var there = offset >= length ? 0 : Math.Min(count, (length - offset) / EntryBytes);
        for (var first = 0UL; first < there && fault is null;)
        {
            var entries = (int)Math.Min(there - first, (ulong)buffer.Length / EntryBytes);
            Read(offset + (first * EntryBytes), buffer.AsSpan(0, entries * EntryBytes));
            yield return (first, entries);
            first += (ulong)entries;
        }
    }

    /// <summary>Reads what lies in the file; of a file that shrinks meanwhile, zeros.</summary>
    private void Read(ulong offset, Span<byte> buffer)
    {
        readBytes += Math.Max(buffer.Length, MinReadCost);
        if (readBytes > MaxReadBytes)
        {
            fault = $"the qcow2 tables take more than {MaxReadBytes >> 20} MiB to read";
            buffer.Clear();
            return;
        }

        buffer[source.Read((long)offset, buffer)..].Clear();
    }

    private static ulong Entry(byte[] buffer, int number) => BinaryPrimitives.ReadUInt64BigEndian(buffer.AsSpan(number * EntryBytes));

    /// <summary>Whether a table is there to be read, at least its beginning; 0 says that there is none.</summary>
    private bool NeedTable(string what, ulong offset, ulong bytes) => offset != 0 && NeedAligned(what, offset, bytes);

    private bool NeedAligned(string what, ulong offset, ulong bytes)
    {
        if ((offset & (cluster - 1)) != 0)
        {
            fault ??= $"a qcow2 {what} does not begin on a cluster boundary";
        }

        return Need(offset, bytes);
    }

    /// <summary>Notes that the file must reach so far; whether it reaches farther than the beginning.</summary>
    private bool Need(ulong offset, ulong bytes)
    {
        needed = Math.Max(needed, offset > ulong.MaxValue - bytes ? ulong.MaxValue : offset + bytes);
        return fault is null && offset < length;
    }
}
