using System.Runtime.InteropServices;

namespace StorageHost.Files.Unwrapping;

/// <summary>
/// Unwraps gzip with zlib. .NET's own stream takes a file that is cut short, or has something behind it, for a whole one.
/// </summary>
internal sealed unsafe partial class GzipUnwrapper : Unwrapper
{
    private const string Library = "libz.so.1";
    private const int GzipWindow = 15 + 16; // the largest window, and gzip's header and trailer
    private const int StreamEnd = 1;
    private const int DataError = -3;
    private const int MemoryError = -4;
    private const int NoProgress = -5;

    private readonly State* state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));

    public GzipUnwrapper()
        : base("gzip")
    {
        try
        {
            if (Begin(state, GzipWindow, "1", sizeof(State)) != 0)
            {
                throw NoMemory();
            }
        }
        catch
        {
            NativeMemory.Free(state);
            throw;
        }
    }

    public override UnwrapStep Step(ReadOnlySpan<byte> input, Span<byte> output)
    {
        fixed (byte* from = input, to = output)
        {
            state->Next = from;
            state->Available = (uint)input.Length;
            state->NextOut = to;
            state->AvailableOut = (uint)output.Length;
            var result = Inflate(state, 0);
            return result switch
            {
                DataError => throw new UnwrapException("is broken: its data or its checksum is wrong"),
                MemoryError => throw NoMemory(),
                0 or StreamEnd or NoProgress => new UnwrapStep(
                    input.Length - (int)state->Available, output.Length - (int)state->AvailableOut, result == StreamEnd),
                _ => throw new UnwrapException($"is broken (zlib: {result})"),
            };
        }
    }

    public override void Dispose()
    {
        _ = End(state);
        NativeMemory.Free(state);
    }

    [LibraryImport(Library, EntryPoint = "inflateInit2_", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Begin(State* state, int window, string version, int size);

    [LibraryImport(Library, EntryPoint = "inflate")]
    private static partial int Inflate(State* state, int flush);

    [LibraryImport(Library, EntryPoint = "inflateEnd")]
    private static partial int End(State* state);

    /// <summary>struct z_stream on 64-bit Linux; zlib refuses another size.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 112)]
    private struct State
    {
        [FieldOffset(0)] public byte* Next;
        [FieldOffset(8)] public uint Available;
        [FieldOffset(24)] public byte* NextOut;
        [FieldOffset(32)] public uint AvailableOut;
    }
}
