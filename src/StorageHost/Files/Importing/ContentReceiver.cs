using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
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
    /// <summary>After so many bytes what has come is made durable, if somebody asks for that.</summary>
    internal const long CheckpointStep = 64 << 20;

    private const int BlockSize = 1 << 20;

    /// <summary>How long the file is by what has been written to it.</summary>
    public long Written { get; private set; }

    /// <summary>Writes all of it to a file. What came before a sender broke off is written too.</summary>
    /// <param name="file">The file.</param>
    /// <param name="from">Where in the file it begins.</param>
    /// <param name="hash">Is given all that comes; null when somebody else makes the digest.</param>
    /// <param name="checkpoint">Waited for now and then while nothing is being written; null when nobody needs that.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task ReceiveAsync(
        IncomingFile file, long from, IncrementalHash? hash, Func<Task>? checkpoint, CancellationToken cancellationToken)
    {
        // A write that failed ends the reading: else a sender that is slow would be listened to for nothing.
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        AlignedBuffer[] buffers = [TakeBuffer(), TakeBuffer()];
        var (length, durable, head) = (from, from, (int)(from % Blocks.PageSize));
        Written = from;
        var writing = ReadHeadAsync(file, from - head, buffers[0].Memory[..head], cancellationToken);
        try
        {
            await writing;
            for (var slot = 0; ; slot ^= 1, head = 0)
            {
                var buffer = buffers[slot].Memory;
                var (read, fault) = await ReadAsync(buffer[head..], broken.Token);
                await writing;
                Written = length;
                if (read == 0)
                {
                    return;
                }

                if (checkpoint is not null && length - durable >= CheckpointStep)
                {
                    await checkpoint();
                    durable = length;
                }

                await progress(length + read);

                // Direct I/O writes whole pages; the last one is filled with zeros, and the file is cut to its length in the end.
                buffer.Span[(head + read)..].Clear();
                writing = WriteAsync(
                    file, new DataBlock(length - head, buffer[..(head + read)]), buffer.Slice(head, read), hash, broken, cancellationToken);
                length += read;
                if (fault is not null)
                {
                    await writing;
                    fault.Throw();
                }
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
            if (writing.IsCompletedSuccessfully)
            {
                Written = length;

                // Else a call that was given up may go on in its thread, and use its block for as long as it hangs.
                Array.ForEach(buffers, spare.Add);
            }
        }
    }

    private AlignedBuffer TakeBuffer() => spare.TryTake(out var used) ? used : new AlignedBuffer(BlockSize);

    /// <summary>Fills a block as far as content comes; what came before a sender broke off is kept with the reason.</summary>
    private async Task<(int Read, ExceptionDispatchInfo? Fault)> ReadAsync(Memory<byte> block, CancellationToken cancellationToken)
    {
        var read = 0;
        try
        {
            while (read < block.Length && await content.ReadAsync(block[read..], cancellationToken) is > 0 and var more)
            {
                read += more;
            }

            return (read, null);
        }
        catch (IOException exception) when (read > 0)
        {
            return (read, ExceptionDispatchInfo.Capture(exception));
        }
    }

    /// <summary>Reads what the page in which the content begins holds before it.</summary>
    private Task ReadHeadAsync(IncomingFile file, long offset, Memory<byte> head, CancellationToken cancellationToken) =>
        head.IsEmpty ? Task.CompletedTask : volume.TransferAsync(
            "read an upload",
            (VolumeSession _, StorageCall<bool> _) =>
            {
                file.Read(offset, head.Span);
                return true;
            },
            cancellationToken);

    private async Task WriteAsync(
        IncomingFile file, DataBlock block, ReadOnlyMemory<byte> content, IncrementalHash? hash, CancellationTokenSource broken,
        CancellationToken cancellationToken)
    {
        var hashing = hash is null ? Task.CompletedTask : Task.Run(() => hash.AppendData(content.Span), CancellationToken.None);
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
