using System.Security.Cryptography;
using StorageHost.Files.Posix;
using StorageHost.Files.Session;

namespace StorageHost.Files.Importing;

/// <summary>
/// Takes what a sender sends, block by block: while one is written, the next is read. So memory is two blocks, and a sender is as
/// fast as the storage.
/// </summary>
/// <param name="volume">Where the writing runs.</param>
/// <param name="content">What is sent.</param>
/// <param name="progress">Waited for before each block is written.</param>
internal sealed class ContentReceiver(VolumeSessions volume, Stream content, Func<long, ValueTask> progress)
{
    private const int BlockSize = 1 << 20;

    /// <summary>Writes all of it to a file.</summary>
    /// <returns>How much came, and the SHA-256 of it.</returns>
    public async Task<(long Length, string Sha256)> ReceiveAsync(IncomingFile file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        // A write that failed ends the reading: else a sender that is slow would be listened to for nothing.
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Memory<byte>[] buffers = [new AlignedBuffer(BlockSize).Memory, new AlignedBuffer(BlockSize).Memory];
        var writing = Task.CompletedTask;
        var length = 0L;
        try
        {
            for (var slot = 0; ; slot ^= 1)
            {
                var read = await content.ReadAtLeastAsync(buffers[slot], BlockSize, throwOnEndOfStream: false, broken.Token);
                await writing;
                if (read == 0)
                {
                    return (length, Convert.ToHexStringLower(hash.GetHashAndReset()));
                }

                await progress(length + read);

                // Direct I/O writes whole pages; the last one is filled with zeros, and the file is cut to its length in the end.
                buffers[slot].Span[read..].Clear();
                var block = new DataBlock(length, buffers[slot][..read]);
                writing = WriteAsync(file, block, broken, cancellationToken);
                hash.AppendData(block.Data.Span);
                length += read;
            }
        }
        catch (OperationCanceledException) when (writing.IsFaulted)
        {
            await writing;
            throw;
        }
        finally
        {
            // Nothing may write any more when the file is thrown away; what failed first is thrown already.
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WriteAsync(IncomingFile file, DataBlock block, CancellationTokenSource broken, CancellationToken cancellationToken)
    {
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
    }
}
