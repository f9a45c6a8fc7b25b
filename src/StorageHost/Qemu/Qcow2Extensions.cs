using System.Buffers.Binary;

namespace StorageHost.Qemu;

/// <summary>The sections between a qcow2 header and the name of its backing file. Unknown ones are skipped, as the format asks.</summary>
internal static class Qcow2Extensions
{
    private const uint End = 0;
    private const uint BackingFormat = 0xe2792aca;
    private const uint Encryption = 0x0537be77;
    private const uint DataFile = 0x44415441;
    private const uint Bitmaps = 0x23852875;
    private const int BitmapsBytes = 24;
    private const int MaxCount = 64;
    private const int MaxFormatBytes = 15;

    /// <summary>The first fault found, in words for a client; null when there is none. The header's fields have been checked.</summary>
    public static string? FindFault(in Qcow2Header header, HeaderWindow image)
    {
        Span<byte> prefix = stackalloc byte[8];
        long offset = header.HeaderBytes;
        var end = header.BackingOffset != 0 ? (long)header.BackingOffset : 1L << (int)header.ClusterBits;
        for (var count = 0; offset < end; count++)
        {
            if (count == MaxCount)
            {
                return $"the qcow2 header has more than {MaxCount} extensions";
            }

            if (!image.TryRead(offset, prefix))
            {
                return "the qcow2 header extensions are cut short";
            }

            var type = BinaryPrimitives.ReadUInt32BigEndian(prefix);
            long bytes = BinaryPrimitives.ReadUInt32BigEndian(prefix[4..]);
            offset += prefix.Length;
            if (type == End)
            {
                return null;
            }

            if (bytes > end - offset)
            {
                return "a qcow2 header extension is longer than its place";
            }

            if (Check(type, offset, (int)bytes, header, image) is { } fault)
            {
                return fault;
            }

            offset += (bytes + 7) & ~7L;
        }

        return null;
    }

    /// <summary>Where the directory of bitmaps lies, if there are any that count. The extensions have no fault.</summary>
    public static Qcow2Bitmaps? FindBitmaps(in Qcow2Header header, HeaderWindow image)
    {
        Span<byte> prefix = stackalloc byte[8];
        Span<byte> data = stackalloc byte[BitmapsBytes];
        long offset = header.HeaderBytes;
        for (var count = 0; header.HasBitmaps && count < MaxCount && image.TryRead(offset, prefix); count++)
        {
            var type = BinaryPrimitives.ReadUInt32BigEndian(prefix);
            long bytes = BinaryPrimitives.ReadUInt32BigEndian(prefix[4..]);
            offset += prefix.Length;
            if (type == End)
            {
                break;
            }

            if (type == Bitmaps)
            {
                return bytes == BitmapsBytes && image.TryRead(offset, data)
                    ? new Qcow2Bitmaps(
                        BinaryPrimitives.ReadUInt32BigEndian(data),
                        BinaryPrimitives.ReadUInt64BigEndian(data[8..]),
                        BinaryPrimitives.ReadUInt64BigEndian(data[16..]))
                    : null;
            }

            offset += (bytes + 7) & ~7L;
        }

        return null;
    }

    private static string? Check(uint type, long offset, int bytes, in Qcow2Header header, HeaderWindow image) => type switch
    {
        DataFile => "the qcow2 header names an external data file",
        Encryption => "the qcow2 header points to an encryption header",
        BackingFormat when header.BackingOffset != 0 => CheckBackingFormat(offset, bytes, image),
        _ => null,
    };

    private static string? CheckBackingFormat(long offset, int bytes, HeaderWindow image)
    {
        if (bytes > MaxFormatBytes)
        {
            return "the qcow2 backing format's name is too long";
        }

        Span<byte> name = stackalloc byte[bytes];
        return !image.TryRead(offset, name) ? "the qcow2 header extensions are cut short"
            : name.SequenceEqual("raw"u8) || name.SequenceEqual("qcow2"u8) ? null
            : "the qcow2 backing format is neither raw nor qcow2";
    }
}

/// <summary>The directory of an image's bitmaps.</summary>
internal readonly record struct Qcow2Bitmaps(uint Count, ulong DirectoryBytes, ulong DirectoryOffset);
