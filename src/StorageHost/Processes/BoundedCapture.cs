using System.Buffers;

namespace StorageHost.Processes;

/// <summary>The beginning of a stream that may be endless.</summary>
/// <param name="Bytes">What was kept.</param>
/// <param name="Truncated">Whether there was, or may have been, more.</param>
internal readonly record struct BoundedCapture(byte[] Bytes, bool Truncated)
{
    /// <summary>
    /// Reads to the end of the stream and keeps the first <paramref name="limit"/> bytes. It reads on past the limit, since a child
    /// whose output nobody takes would block. Cancellation ends the reading; what was read by then is returned.
    /// </summary>
    public static async Task<BoundedCapture> ReadAsync(Stream stream, int limit, CancellationToken cancellationToken)
    {
        var kept = new ArrayBufferWriter<byte>();
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        var truncated = false;
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                var take = Math.Min(read, limit - kept.WrittenCount);
                kept.Write(buffer.AsSpan(0, take));
                truncated |= take < read;
            }
        }
        catch (OperationCanceledException)
        {
            truncated = true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return new BoundedCapture(kept.WrittenSpan.ToArray(), truncated);
    }
}
