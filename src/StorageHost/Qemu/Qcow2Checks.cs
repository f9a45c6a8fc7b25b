namespace StorageHost.Qemu;

/// <summary>
/// Whether the fields of a qcow2 header make sense with each other and with the file. The limits are those that QEMU keeps to.
/// </summary>
internal static class Qcow2Checks
{
    private const ulong MaxL1Bytes = 32 << 20;
    private const ulong MaxRefcountTableBytes = 8 << 20;
    private const uint MaxSnapshots = 65536;
    private const uint MinSnapshotBytes = 40;
    private const uint MaxBackingBytes = 1023;

    private const Qcow2Features KnownFeatures = Qcow2Features.Dirty | Qcow2Features.Corrupt | Qcow2Features.ExternalDataFile
        | Qcow2Features.CompressionType | Qcow2Features.ExtendedL2;

    /// <summary>The first fault found, in words for a client; null when there is none.</summary>
    /// <param name="header">The header.</param>
    /// <param name="length">The file's length in bytes.</param>
    public static string? FindFault(in Qcow2Header header, long length) =>
        Layout(header) ?? Features(header) ?? Tables(header, (ulong)length) ?? BackingFile(header);

    private static string? Layout(in Qcow2Header header) =>
        header.Version is not (2 or 3) ? $"the image is of qcow version {header.Version}; only 2 and 3 are served"
        : header.ClusterBits is < 9 or > 21 ? $"the qcow2 cluster size of 2^{header.ClusterBits} bytes is not between 2^9 and 2^21"
        : header.Version == 3 && (header.HeaderBytes < Qcow2Header.Version3Bytes || header.HeaderBytes % 8 != 0
            || header.HeaderBytes > ClusterBytes(header)) ? $"the qcow2 header gives {header.HeaderBytes} bytes as its length"
        : header.VirtualBytes > ImageInspector.MaxVirtualBytes ? "the virtual size is above 1 PiB"
        : null;

    private static string? Features(in Qcow2Header header) =>
        (header.Features & ~KnownFeatures) is var unknown and not Qcow2Features.None
            ? $"the qcow2 header asks for unknown features (0x{(ulong)unknown:x})"
        : header.Features.HasFlag(Qcow2Features.Corrupt) ? "the qcow2 image is marked as corrupt"
        : header.Features.HasFlag(Qcow2Features.ExternalDataFile) ? "the qcow2 image keeps its data in an external file"
        : header.CryptMethod != 0 ? "the qcow2 image is encrypted"
        : header.CompressionType > 1 ? $"the qcow2 compression type {header.CompressionType} is unknown"
        : header.Features.HasFlag(Qcow2Features.CompressionType) != (header.CompressionType != 0)
            ? "the qcow2 header contradicts itself on the compression type"
        : header.Features.HasFlag(Qcow2Features.ExtendedL2) && header.ClusterBits < 14
            ? "the qcow2 clusters are too small for extended L2 entries"
        : header.RefcountOrder > 6 ? "the qcow2 reference counts are wider than 64 bits"
        : null;

    private static string? Tables(in Qcow2Header header, ulong length)
    {
        var cluster = ClusterBytes(header);
        var l1 = 8UL * header.L1Entries;
        var refcounts = cluster * header.RefcountClusters;
        return refcounts is 0 or > MaxRefcountTableBytes ? "the qcow2 reference count table has an impossible size"
            : l1 > MaxL1Bytes ? "the qcow2 L1 table is larger than 32 MiB"
            : header.L1Entries < NeededL1Entries(header, header.VirtualBytes) ? "the qcow2 L1 table is too small for the virtual size"
            : header.Snapshots > MaxSnapshots ? "the qcow2 header counts more than 65536 snapshots"
            : Table("reference count table", header.RefcountOffset, refcounts, cluster, length)
            ?? Table("L1 table", header.L1Offset, l1, cluster, length)
            ?? Table("snapshot table", header.SnapshotsOffset, (ulong)header.Snapshots * MinSnapshotBytes, cluster, length);
    }

    private static string? Table(string name, ulong offset, ulong bytes, ulong cluster, ulong length) =>
        offset % cluster != 0 ? $"the qcow2 {name} does not begin on a cluster boundary"
        : bytes == 0 ? null
        : offset == 0 ? $"the qcow2 {name} overlaps the header"
        : offset > length || bytes > length - offset ? $"the qcow2 {name} lies beyond the end of the file: it may have been cut short"
        : null;

    private static string? BackingFile(in Qcow2Header header) =>
        header.BackingOffset == 0 ? null
        : header.BackingBytes > MaxBackingBytes ? "the qcow2 backing file name is longer than 1023 bytes"
        : header.BackingOffset < header.HeaderBytes || header.BackingOffset > ClusterBytes(header)
            || header.BackingBytes > ClusterBytes(header) - header.BackingOffset
            ? "the qcow2 backing file name lies outside the first cluster"
        : null;

    /// <summary>How many entries the L1 table of a disk of that size has at least.</summary>
    public static ulong NeededL1Entries(in Qcow2Header header, ulong virtualBytes) =>
        (virtualBytes + CoveredBytes(header) - 1) / CoveredBytes(header);

    /// <summary>How much of the disk one entry of the L1 table stands for, in bytes.</summary>
    public static ulong CoveredBytes(in Qcow2Header header) =>
        1UL << ((int)(2 * header.ClusterBits) - (header.Features.HasFlag(Qcow2Features.ExtendedL2) ? 4 : 3));

    private static ulong ClusterBytes(in Qcow2Header header) => 1UL << (int)header.ClusterBits;
}
