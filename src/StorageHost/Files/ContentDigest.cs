using System.Buffers.Binary;
using System.Security.Cryptography;

namespace StorageHost.Files;

/// <summary>
/// A digest of an image's content that costs only what the data costs: SHA-256 over the offset and the bytes of every block that is
/// not all zeros, in order. A hole and a block of zeros are the same content, so a copy may be sparser than its template.
/// </summary>
internal sealed class ContentDigest : IDisposable
{
    /// <summary>The size of a block, in bytes.</summary>
    public const int BlockSize = 64 * 1024;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds a run of blocks none of which is all zeros; it starts on a block boundary.</summary>
    public void AddRun(long offset, ReadOnlySpan<byte> data)
    {
        Span<byte> position = stackalloc byte[sizeof(long)];
        for (var start = 0; start < data.Length; start += BlockSize)
        {
            BinaryPrimitives.WriteInt64LittleEndian(position, offset + start);
            hash.AppendData(position);
            hash.AppendData(data.Slice(start, Math.Min(BlockSize, data.Length - start)));
        }
    }

    /// <summary>The digest as lower-case hexadecimal text; begins anew.</summary>
    public string Finish() => Convert.ToHexStringLower(hash.GetHashAndReset());

    public void Dispose() => hash.Dispose();
}
