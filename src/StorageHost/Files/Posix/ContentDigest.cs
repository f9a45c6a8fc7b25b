using System.Buffers.Binary;
using System.IO.Hashing;

namespace StorageHost.Files.Posix;

/// <summary>
/// A digest of an image's content that costs only what the data costs: XXH128 over the offset and the bytes of every block that is
/// not all zeros, in order. A hole and a block of zeros are the same content, so a copy may be sparser than its template.
/// It finds what went wrong on the way to the volume and back; it is no proof against somebody who wants two contents to have one digest.
/// </summary>
internal sealed class ContentDigest
{
    /// <summary>The size of a block, in bytes.</summary>
    public const int BlockSize = 64 * 1024;

    private readonly XxHash128 hash = new();

    /// <summary>Adds a piece of the image, which begins on a block; pieces come in order.</summary>
    public void Add(DataBlock piece)
    {
        Span<byte> position = stackalloc byte[sizeof(long)];
        var data = piece.Data.Span;
        for (var start = 0; start < data.Length; start += BlockSize)
        {
            var block = data.Slice(start, Math.Min(BlockSize, data.Length - start));
            if (block.ContainsAnyExcept((byte)0))
            {
                BinaryPrimitives.WriteInt64LittleEndian(position, piece.Offset + start);
                hash.Append(position);
                hash.Append(block);
            }
        }
    }

    /// <summary>The digest as lower-case hexadecimal text; begins anew.</summary>
    public string Finish() => Convert.ToHexStringLower(hash.GetHashAndReset());
}
