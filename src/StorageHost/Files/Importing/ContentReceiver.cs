using System.Collections.Concurrent;
using System.Security.Cryptography;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;

namespace StorageHost.Files.Importing;

/// <summary>
/// Takes what a sender sends, block by block: while one is written and hashed, the next is read. So memory is two blocks, and a sender is
/// as fast as the storage.
/// </summary>
/// <param name="volume">Where the writing runs.</param>
/// <param name="content">What is sent.</param>
/// <param name="progress">Waited for before each block is written.</param>
/// <param name="spare">Blocks of imports that have ended: as garbage they would lie about until a rare full collection.</param>
internal sealed class ContentReceiver(
    VolumeSessions volume, Stream content, Func<long, ValueTask> progress, ConcurrentBag<AlignedBuffer> spare)
{
    private const int BlockSize = 1 << 20;

    /// <summary>Writes all of it to a file.</summary>
    /// <returns>How much came, and the SHA-256 of it.</returns>
    public async Task<(long Length, string Sha256)> ReceiveAsync(IncomingFile file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        // A write that failed ends the reading: else a sender that is slow would be listened to for nothing.
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        AlignedBuffer[] buffers = [TakeBuffer(), TakeBuffer()];
        var writing = Task.CompletedTask;
        var length = 0L;
        try
        {
            for (var slot = 0; ; slot ^= 1)
            {
                var buffer = buffers[slot].Memory;
                var read = await content.ReadAtLeastAsync(buffer, BlockSize, throwOnEndOfStream: false, broken.Token);
                await writing;
                if (read == 0)
                {
                    // Only now: a call that was given up may go on in its thread, and use its block for as long as it hangs.
                    Array.ForEach(buffers, spare.Add);
                    return (length, Convert.ToHexStringLower(hash.GetHashAndReset()));
                }

                await progress(length + read);

                // Direct I/O writes whole pages; the last one is filled with zeros, and the file is cut to its length in the end.
                buffer.Span[read..].Clear();
                writing = WriteAsync(file, new DataBlock(length, buffer[..read]), hash, broken, cancellationToken);
                length += read;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The write that failed is about to say why.
            await writing;
            throw;
        }
        finally
        {
            // Nothing may write any more when the file is thrown away; what failed first is thrown already.
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private AlignedBuffer TakeBuffer() => spare.TryTake(out var used) ? used : new AlignedBuffer(BlockSize);

    private async Task WriteAsync(
        IncomingFile file, DataBlock block, IncrementalHash hash, CancellationTokenSource broken, CancellationToken cancellationToken)
    {
        var hashing = Task.Run(() => hash.AppendData(block.Data.Span), CancellationToken.None);
        try
        {
            await volume.TransferAsync(
                "write a template",
                (VolumeSession _, StorageCall<bool> _) =>
                {
                    file.Write(block);
                    return true;
                },
                cancellationToken);
        }
        catch
        {
            await broken.CancelAsync();
            throw;
        }
        finally
        {
            await hashing;
        }
    }
}
