using System.Buffers.Binary;

namespace StorageHost.Qemu.Converting;

/// <summary>Serves one connection of NBD: one request after the other, each of a size that is bounded.</summary>
/// <param name="stream">The connection.</param>
/// <param name="export">What is served.</param>
internal sealed class NbdSession(Stream stream, NbdExport export)
{
    private const uint RequestMagic = 0x2560_9513;
    private const uint ReplyMagic = 0x6744_6698;
    private const int ReplyBytes = 16;

    private const ushort Read = 0;
    private const ushort Write = 1;
    private const ushort Disconnect = 2;
    private const ushort Flush = 3;
    private const ushort Trim = 4;
    private const ushort WriteZeroes = 6;

    private const uint NotPermitted = 1; // EPERM
    private const uint Invalid = 22; // EINVAL

    private readonly byte[] header = new byte[28];

    // Used by one request at a time. A storage call that was given up may go on using it, and then no other request follows.
    private readonly byte[] buffer = new byte[ReplyBytes + NbdHandshake.MaxRequest];

    /// <summary>Serves until the client leaves. What the content or the target throws ends it, and is thrown.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await new NbdHandshake(stream, export).RunAsync(cancellationToken))
            {
                return;
            }

            while (await ServeAsync(cancellationToken))
            {
            }
        }
        catch (IOException)
        {
            // The client has left in the middle of something; its exit code says why.
        }
    }

    private async Task<bool> ServeAsync(CancellationToken cancellationToken)
    {
        await stream.ReadExactlyAsync(header, cancellationToken);
        var (magic, type) = (BinaryPrimitives.ReadUInt32BigEndian(header), BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(6)));
        var offset = BinaryPrimitives.ReadInt64BigEndian(header.AsSpan(16));
        var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(24));
        if (magic != RequestMagic || type == Disconnect || (type is Read or Write && length > NbdHandshake.MaxRequest))
        {
            return false;
        }

        var isWithin = offset >= 0 && offset <= export.Length - length;
        var bytes = buffer.AsMemory(ReplyBytes, type is Read or Write ? (int)length : 0);
        switch (type)
        {
            case Read when isWithin:
                await export.Content.ReadAsync(offset, bytes, cancellationToken);
                await ReplyAsync(0, bytes.Length, cancellationToken);
                break;
            case Write:
                await stream.ReadExactlyAsync(bytes, cancellationToken);
                await ReplyAsync(await WriteAsync(isWithin, offset, bytes, cancellationToken), 0, cancellationToken);
                break;
            case WriteZeroes when isWithin && export.Target is { } target:
                await target.ZeroAsync(offset, length, cancellationToken);
                await ReplyAsync(0, 0, cancellationToken);
                break;
            case Flush or Trim:
                // What is written is made durable when all of it is there; what is not needed any more stays as it is.
                await ReplyAsync(0, 0, cancellationToken);
                break;
            default:
                await ReplyAsync(Invalid, 0, cancellationToken);
                break;
        }

        return true;
    }

    private async Task<uint> WriteAsync(bool isWithin, long offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (export.Target is not { } target || !isWithin)
        {
            return export.Target is null ? NotPermitted : Invalid;
        }

        await target.WriteAsync(offset, bytes, cancellationToken);
        return 0;
    }

    private async Task ReplyAsync(uint error, int length, CancellationToken cancellationToken)
    {
        BinaryPrimitives.WriteUInt32BigEndian(buffer, ReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(4), error);
        header.AsSpan(8, 8).CopyTo(buffer.AsSpan(8)); // the client's own mark
        await stream.WriteAsync(buffer.AsMemory(0, ReplyBytes + length), cancellationToken);
    }
}
