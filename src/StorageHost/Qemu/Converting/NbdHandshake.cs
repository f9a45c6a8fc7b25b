using System.Buffers.Binary;

namespace StorageHost.Qemu.Converting;

/// <summary>
/// The beginning of NBD ("fixed newstyle"): the client asks for options until it goes over to requests. Only what qemu-img needs is known.
/// </summary>
/// <param name="stream">The connection.</param>
/// <param name="export">The only one there is, whatever name is asked for.</param>
internal sealed class NbdHandshake(Stream stream, NbdExport export)
{
    /// <summary>The most that one request may move, in bytes.</summary>
    public const int MaxRequest = 2 << 20;

    private const ulong Magic = 0x4e42_444d_4147_4943; // NBDMAGIC
    private const ulong OptionMagic = 0x4948_4156_454f_5054; // IHAVEOPT
    private const ulong ReplyMagic = 0x0003_e889_0455_65a9;
    private const ushort FixedNewstyle = 1;
    private const ushort NoZeroes = 2;
    private const int MaxOptions = 32;
    private const int MaxOption = 8192;

    private const uint Abort = 2;
    private const uint Info = 6;
    private const uint Go = 7;

    private const uint Acknowledged = 1;
    private const uint Informed = 3;
    private const uint Unsupported = 0x8000_0001;
    private const ushort AboutExport = 0;
    private const ushort AboutBlocks = 3;

    /// <summary>HAS_FLAGS and SEND_FLUSH; READ_ONLY; SEND_TRIM and SEND_WRITE_ZEROES.</summary>
    private const ushort Served = 1 | 4;
    private const ushort ReadOnly = 2;
    private const ushort Writable = 32 | 64;

    /// <summary>Goes through it.</summary>
    /// <returns>Whether requests follow.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var greeting = new byte[18];
        BinaryPrimitives.WriteUInt64BigEndian(greeting, Magic);
        BinaryPrimitives.WriteUInt64BigEndian(greeting.AsSpan(8), OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(greeting.AsSpan(16), FixedNewstyle | NoZeroes);
        await stream.WriteAsync(greeting, cancellationToken);
        await stream.ReadExactlyAsync(new byte[4], cancellationToken);
        var header = new byte[16];
        for (var options = 0; options < MaxOptions; options++)
        {
            await stream.ReadExactlyAsync(header, cancellationToken);
            var (option, length) = (Word(header, 8), Word(header, 12));
            if (BinaryPrimitives.ReadUInt64BigEndian(header) != OptionMagic || length > MaxOption)
            {
                return false;
            }

            await stream.ReadExactlyAsync(new byte[length], cancellationToken);
            switch (option)
            {
                case Abort:
                    await ReplyAsync(option, Acknowledged, [], cancellationToken);
                    return false;
                case Info or Go:
                    await ReplyAsync(option, Informed, Export(), cancellationToken);
                    await ReplyAsync(option, Informed, BlockSizes(), cancellationToken);
                    await ReplyAsync(option, Acknowledged, [], cancellationToken);
                    if (option == Go)
                    {
                        return true;
                    }

                    break;
                default:
                    await ReplyAsync(option, Unsupported, [], cancellationToken);
                    break;
            }
        }

        return false;
    }

    private byte[] Export()
    {
        var info = new byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(info, AboutExport);
        BinaryPrimitives.WriteInt64BigEndian(info.AsSpan(2), export.Length);
        BinaryPrimitives.WriteUInt16BigEndian(info.AsSpan(10), (ushort)(Served | (export.Target is null ? ReadOnly : Writable)));
        return info;
    }

    /// <summary>Any byte can be asked for by itself.</summary>
    private static byte[] BlockSizes()
    {
        var info = new byte[14];
        BinaryPrimitives.WriteUInt16BigEndian(info, AboutBlocks);
        BinaryPrimitives.WriteUInt32BigEndian(info.AsSpan(2), 1);
        BinaryPrimitives.WriteUInt32BigEndian(info.AsSpan(6), 64 << 10);
        BinaryPrimitives.WriteUInt32BigEndian(info.AsSpan(10), MaxRequest);
        return info;
    }

    private async Task ReplyAsync(uint option, uint type, byte[] data, CancellationToken cancellationToken)
    {
        var reply = new byte[20 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(reply, ReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(12), type);
        BinaryPrimitives.WriteInt32BigEndian(reply.AsSpan(16), data.Length);
        data.CopyTo(reply, 20);
        await stream.WriteAsync(reply, cancellationToken);
    }

    private static uint Word(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(offset));
}
