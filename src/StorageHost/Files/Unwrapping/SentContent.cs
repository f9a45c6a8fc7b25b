using System.Security.Cryptography;
using StorageHost.Images;

namespace StorageHost.Files.Unwrapping;

/// <summary>
/// What is sent, without its wrapping: gzip, xz or zstd is found by how it begins, and taken away while it is read. One layer only, and
/// nothing may be missing from it or follow it.
/// </summary>
internal sealed class SentContent : Stream
{
    private const int InputBytes = 64 * 1024;

    private readonly Stream content;
    private readonly IncrementalHash hash;
    private readonly byte[] input;
    private readonly Unwrapper? unwrapper;
    private int from;
    private int to;
    private bool isOver;
    private bool isDisposed;

    private SentContent(Stream content, IncrementalHash hash, byte[] input, int length)
    {
        (this.content, this.hash, this.input, to) = (content, hash, input, length);
        Received = length;
        try
        {
            unwrapper = Wrappings.TryBegin(input.AsSpan(0, length));
        }
        catch (UnwrapException fault)
        {
            throw Rejected($"what was sent {fault.Message}");
        }

        if (unwrapper is not null)
        {
            hash.AppendData(input, 0, length);
        }
    }

    /// <summary>Whether it is wrapped. Then the digest is made here; else it is the reader's, as the two are the same.</summary>
    public bool IsWrapped => unwrapper is not null;

    /// <summary>How many bytes have come, as they were sent.</summary>
    public long Received { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Looks how it begins.</summary>
    /// <param name="content">What is sent.</param>
    /// <param name="hash">Is given all of it as it was sent, if it is wrapped.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RefusedException">ImageRejected: the library for it is missing.</exception>
    public static async Task<SentContent> OpenAsync(Stream content, IncrementalHash hash, CancellationToken cancellationToken)
    {
        var head = new byte[InputBytes];
        var length = await content.ReadAtLeastAsync(head, Wrappings.HeadBytes, throwOnEndOfStream: false, cancellationToken);
        return new SentContent(content, hash, head, length);
    }

    /// <exception cref="RefusedException">ImageRejected: it is broken, cut short, or something follows.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (unwrapper is null)
        {
            return await ReadAsSentAsync(buffer, cancellationToken);
        }

        while (!isOver && !buffer.IsEmpty)
        {
            var step = Step(buffer.Span);
            from += step.Read;
            if (step.IsEnd)
            {
                await RefuseMoreAsync(cancellationToken);
                isOver = true;
                return step.Written;
            }

            if (step.Written > 0)
            {
                return step.Written;
            }

            if (from < to && step.Read == 0)
            {
                throw Rejected($"the {unwrapper.Name} stream that was sent is broken");
            }

            if (from == to && !await FillAsync(cancellationToken))
            {
                throw Rejected($"the {unwrapper.Name} stream that was sent is cut short");
            }
        }

        return 0;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // A stream may be disposed twice; the memory of a library must not be freed twice.
        if (!isDisposed)
        {
            unwrapper?.Dispose();
        }

        isDisposed = true;
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadAsSentAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (from == to)
        {
            var more = await content.ReadAsync(buffer, cancellationToken);
            Received += more;
            return more;
        }

        var read = Math.Min(buffer.Length, to - from);
        input.AsMemory(from, read).CopyTo(buffer);
        from += read;
        return read;
    }

    private UnwrapStep Step(Span<byte> output)
    {
        try
        {
            return unwrapper!.Step(input.AsSpan(from, to - from), output);
        }
        catch (UnwrapException fault)
        {
            throw Rejected($"the {unwrapper!.Name} stream that was sent {fault.Message}");
        }
    }

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        (from, to) = (0, await content.ReadAsync(input, cancellationToken));
        hash.AppendData(input, 0, to);
        Received += to;
        return to > 0;
    }

    /// <summary>What follows one program would unwrap, another ignore, and a third take for a fault.</summary>
    private async Task RefuseMoreAsync(CancellationToken cancellationToken)
    {
        if (from < to || await FillAsync(cancellationToken))
        {
            throw Rejected(Wrappings.IsOne(input.AsSpan(from, to - from))
                ? $"behind the {unwrapper!.Name} stream that was sent another one begins; unwrap them first, and wrap them as one"
                : $"something follows the {unwrapper!.Name} stream that was sent");
        }
    }

    private static RefusedException Rejected(string fault) => new(Refusal.ImageRejected, $"the template is not taken: {fault}");
}
