using System.Runtime.InteropServices;

namespace StorageHost.Files.Unwrapping;

/// <summary>Unwraps zstd with libzstd.</summary>
internal sealed unsafe partial class ZstdUnwrapper : Unwrapper
{
    /// <summary>The largest window, as a power of two of bytes: what every level makes, but <c>--long</c> above 27.</summary>
    public const int MaxWindowBits = 27;

    private const string Library = "libzstd.so.1";
    private const int WindowBits = 100; // ZSTD_d_windowLogMax
    private const int WindowTooLarge = 16;
    private const int MemoryError = 64;

    private readonly nint context;

    public ZstdUnwrapper()
        : base("zstd")
    {
        context = Create();
        if (context == 0)
        {
            throw NoMemory();
        }

        _ = Set(context, WindowBits, MaxWindowBits);
    }

    public override UnwrapStep Step(ReadOnlySpan<byte> input, Span<byte> output)
    {
        fixed (byte* from = input, to = output)
        {
            var source = new Piece { Start = from, Length = (nuint)input.Length };
            var target = new Piece { Start = to, Length = (nuint)output.Length };
            var result = Decompress(context, ref target, ref source);
            return ErrorOf(result) switch
            {
                0 => new UnwrapStep((int)source.Position, (int)target.Position, result == 0),
                WindowTooLarge => throw new UnwrapException(
                    $"needs a window of more than {1 << (MaxWindowBits - 20)} MiB to be unwrapped (zstd --long)"),
                MemoryError => throw NoMemory(),
                _ => throw new UnwrapException("is broken: its data or its checksum is wrong"),
            };
        }
    }

    public override void Dispose() => _ = Free(context);

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    private static partial nint Create();

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_setParameter")]
    private static partial nuint Set(nint context, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    private static partial nuint Decompress(nint context, ref Piece output, ref Piece input);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorCode")]
    private static partial int ErrorOf(nuint result);

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    private static partial nuint Free(nint context);

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Piece
    {
        public byte* Start;
        public nuint Length;
        public nuint Position;
    }
}
