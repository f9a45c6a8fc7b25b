using StorageHost.Images;

namespace StorageHost.Files.Unwrapping;

/// <summary>What one step did.</summary>
/// <param name="Read">How many bytes of the input it has used up.</param>
/// <param name="Written">How many bytes of output it has made.</param>
/// <param name="IsEnd">Whether the wrapping ends here. It was whole: its checksums fit.</param>
internal readonly record struct UnwrapStep(int Read, int Written, bool IsEnd);

/// <summary>Unwraps one stream, piece by piece, in memory that is bounded whatever comes.</summary>
/// <param name="name">The wrapping, as clients know it.</param>
internal abstract class Unwrapper(string name) : IDisposable
{
    /// <summary>The wrapping, as clients know it.</summary>
    public string Name { get; } = name;

    /// <summary>Goes on, as far as the input leads and the output has room.</summary>
    /// <exception cref="UnwrapException">What came is broken, or asks for too much.</exception>
    public abstract UnwrapStep Step(ReadOnlySpan<byte> input, Span<byte> output);

    public abstract void Dispose();

    /// <summary>The library had no memory: nothing is wrong with what came.</summary>
    protected static RefusedException NoMemory() =>
        new(Refusal.StorageUnavailable, "there is no memory left to unwrap what was sent; try again later");
}

/// <summary>What came cannot be unwrapped; the message says why, to be read after "it is wrapped in …".</summary>
internal sealed class UnwrapException(string message) : Exception(message);
