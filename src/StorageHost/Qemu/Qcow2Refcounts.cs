using System.Buffers.Binary;
using StorageHost.Images.Disks;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu;

/// <summary>The reference counts of a qcow2 as they are on the way to a change: what was set is read back, and written in steps.</summary>
internal sealed class Qcow2Refcounts
{
    private const int EntryBytes = 8;
    private const ulong OffsetMask = ~0x1ffUL;

    private readonly IHeaderSource image;
    private readonly int order;
    private readonly int clusterBytes;
    private readonly Dictionary<ulong, byte[]> blocks = [];
    private readonly HashSet<(ulong Block, int Byte)> changed = [];

    public Qcow2Refcounts(IHeaderSource image, in Qcow2Header header)
    {
        (this.image, order, clusterBytes) = (image, (int)header.RefcountOrder, 1 << (int)header.ClusterBits);
        Table = new byte[header.RefcountClusters * clusterBytes];
        image.Read((long)header.RefcountOffset, Table);
    }

    /// <summary>The table as it is in the file: the offset of each block.</summary>
    public byte[] Table { get; }

    /// <summary>How many clusters one block counts.</summary>
    public ulong PerBlock => ((ulong)clusterBytes * 8) >> order;

    /// <summary>How many blocks the table has room for.</summary>
    public ulong Capacity => (ulong)Table.Length / EntryBytes;

    /// <summary>The block that counts these clusters; 0 when there is none.</summary>
    public ulong BlockAt(ulong index) =>
        index < Capacity ? BinaryPrimitives.ReadUInt64BigEndian(Table.AsSpan((int)index * EntryBytes)) & OffsetMask : 0;

    /// <summary>Takes a new block, all zeros, into the count.</summary>
    public void Add(ulong offset) => blocks.Add(offset, new byte[clusterBytes]);

    /// <summary>The content of a block.</summary>
    public ReadOnlyMemory<byte> Content(ulong offset) => Block(offset);

    /// <summary>How often a cluster is counted in a block.</summary>
    public ulong Get(ulong block, ulong cluster)
    {
        var (content, at) = (Block(block), cluster % PerBlock);
        return order switch
        {
            < 3 => (ulong)(content[At(at)] >> Shift(at)) & ((1UL << (1 << order)) - 1),
            3 => content[at],
            4 => BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(At(at))),
            5 => BinaryPrimitives.ReadUInt32BigEndian(content.AsSpan(At(at))),
            _ => BinaryPrimitives.ReadUInt64BigEndian(content.AsSpan(At(at))),
        };
    }

    /// <summary>Says that a cluster is used once, or not at all.</summary>
    public void Set(ulong block, ulong cluster, bool isUsed)
    {
        var (content, at) = (Block(block), cluster % PerBlock);
        if (order < 3)
        {
            var mask = ((1 << (1 << order)) - 1) << Shift(at);
            content[At(at)] = (byte)((content[At(at)] & ~mask) | (isUsed ? 1 << Shift(at) : 0));
            changed.Add((block, At(at)));
            return;
        }

        var bytes = 1 << (order - 3);
        content.AsSpan(At(at), bytes).Clear();
        content[At(at) + bytes - 1] = isUsed ? (byte)1 : (byte)0;
        changed.UnionWith(Enumerable.Range(At(at), bytes).Select(number => (block, number)));
    }

    /// <summary>What was set since, of all blocks but the new ones, as few writes.</summary>
    public IReadOnlyList<ImageWrite> TakeChanges(IReadOnlyCollection<ulong> except)
    {
        var writes = new List<ImageWrite>();
        var old = changed.Where(change => !except.Contains(change.Block));
        foreach (var block in old.GroupBy(change => change.Block, change => change.Byte))
        {
            var (first, last) = (block.Min(), block.Max());

            // A copy: later steps change the same bytes.
            writes.Add(new ImageWrite((long)block.Key + first, Block(block.Key).AsSpan(first, last + 1 - first).ToArray()));
        }

        changed.Clear();
        return writes;
    }

    private byte[] Block(ulong offset)
    {
        if (!blocks.TryGetValue(offset, out var content))
        {
            // QEMU leaves the end of the last block of a file unwritten at times; it reads as zeros.
            content = blocks[offset] = new byte[clusterBytes];
            image.Read((long)offset, content);
        }

        return content;
    }

    private int At(ulong entry) => (int)((entry << order) >> 3);

    private int Shift(ulong entry) => (int)((entry << order) & 7);
}
