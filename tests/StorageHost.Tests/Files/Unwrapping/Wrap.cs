using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace StorageHost.Tests.Files.Unwrapping;

/// <summary>Wraps content as the programs of the same names do.</summary>
internal static unsafe partial class Wrap
{
    public static readonly string[] Kinds = ["gzip", "xz", "zstd"];

    public static byte[] In(string kind, byte[] content) => kind switch
    {
        "gzip" => Gzip(content),
        "xz" => Xz(content),
        _ => Zstd(content),
    };

    /// <summary>The beginning of an xz file that needs a dictionary of 1 GiB.</summary>
    public static byte[] GreedyXz()
    {
        byte[] flags = [0, 4];
        byte[] block = [2, 0, 0x21, 1, 36, 0, 0, 0];
        return [0xfd, .. "7zXZ\0"u8, .. flags, .. Crc32.Hash(flags), .. block, .. Crc32.Hash(block), .. new byte[64]];
    }

    /// <summary>The beginning of a zstd frame with a window of 2 GiB.</summary>
    public static byte[] GreedyZstd() => [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, .. new byte[64]];

    private static byte[] Gzip(byte[] content)
    {
        if (content is [])
        {
            // .NET writes nothing at all.
            return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, .. new byte[8]];
        }

        using var made = new MemoryStream();
        using (var gzip = new GZipStream(made, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return made.ToArray();
    }

    private static byte[] Xz(byte[] content)
    {
        const int Crc64 = 4;
        var made = new byte[content.Length + 65536];
        nuint length = 0;
        fixed (byte* from = content, to = made)
        {
            return EncodeXz(1, Crc64, 0, from, (nuint)content.Length, to, ref length, (nuint)made.Length) == 0
                ? made[..(int)length]
                : throw new InvalidOperationException("lzma_easy_buffer_encode");
        }
    }

    private static byte[] Zstd(byte[] content)
    {
        const int Checksum = 201;
        var made = new byte[content.Length + 65536];
        var context = CreateZstd();
        _ = SetZstd(context, Checksum, 1);
        fixed (byte* from = content, to = made)
        {
            var length = EncodeZstd(context, to, (nuint)made.Length, from, (nuint)content.Length);
            _ = FreeZstd(context);
            return made[..(int)length];
        }
    }

    [LibraryImport("liblzma.so.5", EntryPoint = "lzma_easy_buffer_encode")]
    private static partial int EncodeXz(uint preset, int check, nint allocator, byte* from, nuint length, byte* to, ref nuint position, nuint room);

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_createCCtx")]
    private static partial nint CreateZstd();

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_CCtx_setParameter")]
    private static partial nuint SetZstd(nint context, int parameter, int value);

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_compress2")]
    private static partial nuint EncodeZstd(nint context, byte* to, nuint room, byte* from, nuint length);

    [LibraryImport("libzstd.so.1", EntryPoint = "ZSTD_freeCCtx")]
    private static partial nuint FreeZstd(nint context);
}
