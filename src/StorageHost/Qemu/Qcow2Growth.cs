using System.Buffers.Binary;
using StorageHost.Images;
using StorageHost.Images.Disks;
using StorageHost.Images.Templates;

namespace StorageHost.Qemu;

/// <summary>
/// Plans how a qcow2 becomes larger: its L1 table needs an entry for each part of the disk, and its header says both sizes. Most tables
/// have room in their last cluster; else the table moves to the end of the file (<see cref="Qcow2TableMove"/>).
/// </summary>
internal sealed class Qcow2Growth
{
    private const int EntryBytes = 8;
    private const ulong MaxL1Bytes = 32 << 20;
    private const int SizeOffset = 24;
    private const int L1EntriesOffset = 36;
    private const int L1TableOffset = 40;
    private const int RefcountTableOffset = 48;
    private const int RefcountClustersOffset = 56;
    private const int AutoclearOffset = 88;

    /// <summary>Behind the last field of version 2 that changes, and behind the autoclear features of version 3.</summary>
    private const int FieldsEnd2 = 60;
    private const int FieldsEnd3 = 96;

    private readonly IHeaderSource image;
    private readonly byte[] fields;
    private readonly Qcow2Header header;

    /// <param name="image">The image, without snapshots and bitmaps.</param>
    /// <param name="head">The beginning of it.</param>
    /// <param name="header">Its header, which has no fault.</param>
    public Qcow2Growth(IHeaderSource image, ReadOnlySpan<byte> head, in Qcow2Header header)
    {
        (this.image, this.header) = (image, header);
        fields = head[..(header.Version < 3 ? FieldsEnd2 : FieldsEnd3)].ToArray();
    }

    /// <exception cref="RefusedException">As <see cref="Images.Ports.IImageGrower.Plan"/>.</exception>
    public ImageGrowth Plan(ulong virtualBytes)
    {
        var entries = Qcow2Checks.NeededL1Entries(header, virtualBytes);
        if (entries * EntryBytes > MaxL1Bytes)
        {
            throw new RefusedException(
                Refusal.InvalidSize,
                $"must be at most {(Qcow2Checks.CoveredBytes(header) * (MaxL1Bytes / EntryBytes)) >> 30}: "
                    + $"the image has clusters of {1 << (int)header.ClusterBits} bytes");
        }

        return entries <= header.L1Entries ? new ImageGrowth([Switch(virtualBytes)], 0)
            : entries <= Room ? InPlace(virtualBytes, (uint)entries)
            : new Qcow2TableMove(image, header).Plan(
                (uint)entries,
                (l1, refcounts, clusters) => Switch(virtualBytes, (uint)entries, l1, refcounts, clusters));
    }

    /// <summary>How many entries the clusters of the L1 table hold.</summary>
    private ulong Room
    {
        get
        {
            var perCluster = (1UL << (int)header.ClusterBits) / EntryBytes;
            return (header.L1Entries + perCluster - 1) / perCluster * perCluster;
        }
    }

    /// <summary>The entries that are new must be there and be zero, before the header counts them.</summary>
    private ImageGrowth InPlace(ulong virtualBytes, uint entries)
    {
        var start = (long)header.L1Offset + (header.L1Entries * EntryBytes);
        var end = (long)header.L1Offset + (entries * EntryBytes);
        var behind = new byte[end - start];
        var there = image.Read(start, behind);
        var shorter = there < behind.Length ? (long)(header.L1Offset + (Room * EntryBytes)) : (long?)null;
        ImageWrite[] zeros = behind.AsSpan(0, there).ContainsAnyExcept((byte)0) ? [new ImageWrite(start, new byte[there])] : [];
        GrowthStep[] before = shorter is null && zeros is [] ? [] : [new GrowthStep(shorter, zeros)];
        return new ImageGrowth([.. before, Switch(virtualBytes, entries)], shorter is null ? 0 : 1L << (int)header.ClusterBits);
    }

    /// <summary>One write into the first sector, which makes all of the change count at once.</summary>
    private GrowthStep Switch(
        ulong virtualBytes, uint? entries = null, ulong? l1 = null, ulong? refcounts = null, uint? refcountClusters = null)
    {
        var changed = fields.ToArray();
        BinaryPrimitives.WriteUInt64BigEndian(changed.AsSpan(SizeOffset), virtualBytes);
        BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(L1EntriesOffset), entries ?? header.L1Entries);
        BinaryPrimitives.WriteUInt64BigEndian(changed.AsSpan(L1TableOffset), l1 ?? header.L1Offset);
        BinaryPrimitives.WriteUInt64BigEndian(changed.AsSpan(RefcountTableOffset), refcounts ?? header.RefcountOffset);
        BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(RefcountClustersOffset), refcountClusters ?? header.RefcountClusters);

        // Whoever changes an image clears the features of this kind that it does not keep up.
        changed.AsSpan(Math.Min(AutoclearOffset, changed.Length)).Clear();
        return new GrowthStep(null, [new ImageWrite(SizeOffset, changed.AsMemory(SizeOffset))]);
    }
}
