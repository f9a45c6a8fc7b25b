using System.Buffers.Binary;
using System.Text;
using StorageHost.Images.Templates;

namespace StorageHost.Tests.Qemu;

/// <summary>A small qcow2 image built by hand: 4 KiB clusters, 4 MiB virtual size, tables in clusters 1 to 3.</summary>
internal static class Qcow2Bytes
{
    public const int VirtualBytes = 4 << 20;
    public const int Cluster = 4096;
    public const int L1Offset = 3 * Cluster;
    public const int Length = L1Offset + 16;

    public static byte[] Version2() => Pokes(
        new byte[Length], 0, 4, 0x514649fb, 4, 4, 2, 20, 4, 12, 24, 8, VirtualBytes, 36, 4, 2, 40, 8, L1Offset, 48, 8, Cluster, 56, 4, 1);

    public static byte[] Version3() => Pokes(Version2(), 4, 4, 3, 96, 4, 4, 100, 4, 104);

    /// <summary>Overwrites fields: offset, width in bytes and value of each.</summary>
    public static byte[] Pokes(byte[] image, params long[] fields)
    {
        for (var i = 0; i < fields.Length; i += 3)
        {
            var at = image.AsSpan((int)fields[i]);
            switch (fields[i + 1])
            {
                case 1: at[0] = (byte)fields[i + 2]; break;
                case 4: BinaryPrimitives.WriteUInt32BigEndian(at, (uint)fields[i + 2]); break;
                default: BinaryPrimitives.WriteInt64BigEndian(at, fields[i + 2]); break;
            }
        }

        return image;
    }

    /// <summary>Writes header extensions behind a header of version 3.</summary>
    public static byte[] WithExtensions(byte[] image, params (uint Type, byte[] Data)[] extensions)
    {
        var offset = 104;
        foreach (var (type, data) in extensions)
        {
            Pokes(image, offset, 4, type, offset + 4, 4, data.Length);
            data.CopyTo(image, offset + 8);
            offset += 8 + ((data.Length + 7) & ~7);
        }

        return image;
    }

    public static byte[] WithBackingFile(byte[] image, string name, int offset = 1024)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        bytes.CopyTo(image, offset);
        return Pokes(image, 8, 8, offset, 16, 4, bytes.Length);
    }
}

/// <summary>An image in memory that counts what is read of it.</summary>
internal sealed class BytesSource(byte[] bytes, long? length = null) : IHeaderSource
{
    public long Length { get; } = length ?? bytes.Length;

    public long BytesRead { get; private set; }

    public int Read(long offset, Span<byte> buffer)
    {
        // As pread(2) does.
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, long.MaxValue - buffer.Length);
        var there = offset >= bytes.Length ? [] : bytes.AsSpan((int)offset, (int)Math.Min(buffer.Length, bytes.Length - offset));
        there.CopyTo(buffer);
        BytesRead += there.Length;
        return there.Length;
    }
}
