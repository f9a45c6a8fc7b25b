using System.Runtime.InteropServices;

namespace StorageHost.Files.Unwrapping;

/// <summary>Unwraps xz with liblzma, whose decoder knows every filter and check of the format.</summary>
internal sealed unsafe partial class XzUnwrapper : Unwrapper
{
    /// <summary>The most memory that it may take, in bytes: <c>xz -9</c> asks for half of it.</summary>
    public const ulong MaxMemory = 128 << 20;

    private const string Library = "liblzma.so.5";
    private const uint TellUnsupportedCheck = 2;
    private const int StreamEnd = 1;
    private const int UnsupportedCheck = 3;
    private const int MemoryError = 5;
    private const int MemoryLimit = 6;
    private const int UnknownOptions = 8;
    private const int NoProgress = 10;

    private readonly State* state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));

    public XzUnwrapper()
        : base("xz")
    {
        try
        {
            if (Begin(state, MaxMemory, TellUnsupportedCheck) != 0)
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
            state->Available = (nuint)input.Length;
            state->NextOut = to;
            state->AvailableOut = (nuint)output.Length;
            var result = Code(state, 0);
            return result switch
            {
                0 or StreamEnd or NoProgress => new UnwrapStep(
                    input.Length - (int)state->Available, output.Length - (int)state->AvailableOut, result == StreamEnd),
                MemoryLimit => throw new UnwrapException($"needs more than {MaxMemory >> 20} MiB of memory to be unwrapped"),
                UnsupportedCheck => throw new UnwrapException("has a kind of checksum that is not known"),
                UnknownOptions => throw new UnwrapException("has options that are not known"),
                MemoryError => throw NoMemory(),
                _ => throw new UnwrapException("is broken: its data or its checksum is wrong"),
            };
        }
    }

    public override void Dispose()
    {
        End(state);
        NativeMemory.Free(state);
    }

    [LibraryImport(Library, EntryPoint = "lzma_stream_decoder")]
    private static partial int Begin(State* state, ulong maxMemory, uint flags);

    [LibraryImport(Library, EntryPoint = "lzma_code")]
    private static partial int Code(State* state, int action);

    [LibraryImport(Library, EntryPoint = "lzma_end")]
    private static partial void End(State* state);

    /// <summary>lzma_stream on 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 136)]
    private struct State
    {
        [FieldOffset(0)] public byte* Next;
        [FieldOffset(8)] public nuint Available;
        [FieldOffset(24)] public byte* NextOut;
        [FieldOffset(32)] public nuint AvailableOut;
    }
}
