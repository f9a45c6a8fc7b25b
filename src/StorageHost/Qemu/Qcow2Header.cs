using System.Buffers.Binary;

namespace StorageHost.Qemu;

/// <summary>What may stand in a qcow2 header's incompatible features; whoever does not know a bit must not open the image.</summary>
[Flags]
internal enum Qcow2Features : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Reference counts may be stale, and are repaired when the image is opened.</summary>
    Dirty = 1,

    /// <summary>Any structure may be broken.</summary>
    Corrupt = 2,

    /// <summary>The guest's data lies in another file.</summary>
    ExternalDataFile = 4,

    /// <summary>Compressed clusters are not zlib.</summary>
    CompressionType = 8,

    /// <summary>L2 entries are 16 bytes, with subclusters.</summary>
    ExtendedL2 = 16,
}

/// <summary>
/// The fields of a qcow2 header as they stand in the file, unchecked; see
/// <see href="https://www.qemu.org/docs/master/interop/qcow2.html">the format's description</see>. Numbers are big-endian.
/// </summary>
internal readonly record struct Qcow2Header
{
    /// <summary>The length of a version 2 header, and the least that can be parsed.</summary>
    public const int Version2Bytes = 72;

    /// <summary>The least length of a version 3 header.</summary>
    public const int Version3Bytes = 104;

    private const int CompressionTypeOffset = 104;

    public uint Version { get; private init; }

    public ulong BackingOffset { get; private init; }

    public uint BackingBytes { get; private init; }

    public uint ClusterBits { get; private init; }

    public ulong VirtualBytes { get; private init; }

    public uint CryptMethod { get; private init; }

    public uint L1Entries { get; private init; }

    public ulong L1Offset { get; private init; }

    public ulong RefcountOffset { get; private init; }

    public uint RefcountClusters { get; private init; }

    public uint Snapshots { get; private init; }

    public ulong SnapshotsOffset { get; private init; }

    public Qcow2Features Features { get; private init; }

    /// <summary>Whether the bitmaps are those of the data: a program that does not know them clears this when it writes.</summary>
    public bool HasBitmaps { get; private init; }

    public uint RefcountOrder { get; private init; }

    public uint HeaderBytes { get; private init; }

    public byte CompressionType { get; private init; }

    public static ReadOnlySpan<byte> Magic => [(byte)'Q', (byte)'F', (byte)'I', 0xfb];

    /// <summary>Parses what there is of a header; null when it is cut short.</summary>
    public static Qcow2Header? Parse(ReadOnlySpan<byte> head)
    {
        if (head.Length < Version2Bytes)
        {
            return null;
        }

        var header = new Qcow2Header
        {
            Version = UInt32(head, 4),
            BackingOffset = UInt64(head, 8),
            BackingBytes = UInt32(head, 16),
            ClusterBits = UInt32(head, 20),
            VirtualBytes = UInt64(head, 24),
            CryptMethod = UInt32(head, 32),
            L1Entries = UInt32(head, 36),
            L1Offset = UInt64(head, 40),
            RefcountOffset = UInt64(head, 48),
            RefcountClusters = UInt32(head, 56),
            Snapshots = UInt32(head, 60),
            SnapshotsOffset = UInt64(head, 64),
            RefcountOrder = 4,
            HeaderBytes = Version2Bytes,
        };
        return header.Version < 3 ? header
            : head.Length < Version3Bytes ? null
            : header.WithVersion3(head);
    }

    private Qcow2Header WithVersion3(ReadOnlySpan<byte> head)
    {
        var length = UInt32(head, 100);
        return this with
        {
            Features = (Qcow2Features)UInt64(head, 72),
            HasBitmaps = (UInt64(head, 88) & 1) != 0,
            RefcountOrder = UInt32(head, 96),
            HeaderBytes = length,
            CompressionType = length > CompressionTypeOffset && head.Length > CompressionTypeOffset ? head[CompressionTypeOffset] : (byte)0,
        };
    }

    private static uint UInt32(ReadOnlySpan<byte> head, int offset) => BinaryPrimitives.ReadUInt32BigEndian(head[offset..]);

    private static ulong UInt64(ReadOnlySpan<byte> head, int offset) => BinaryPrimitives.ReadUInt64BigEndian(head[offset..]);
}
