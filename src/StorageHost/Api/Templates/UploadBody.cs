using System.Globalization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace StorageHost.Api.Templates;

/// <summary>
/// The body of an upload: as long as it takes and as large as it is, but a sender who sends nothing for too long is given up.
/// A connection that broke off is the sender's fault, and no failure of the daemon.
/// </summary>
/// <param name="body">The body as the server reads it.</param>
/// <param name="stall">How long nothing may come.</param>
/// <param name="time">The clock.</param>
internal sealed class UploadBody(Stream body, TimeSpan stall, TimeProvider time) : Stream
{
    // One for all reads: of a large body there are many.
    private readonly CancellationTokenSource late = new(Timeout.InfiniteTimeSpan, time);

    /// <summary>Here alone a body may be large and slow: what it may be, the import itself looks after.</summary>
    public static void LiftLimits(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        context.Features.Get<IHttpMinRequestBodyDataRateFeature>()?.MinDataRate = null;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await using var leaving = cancellationToken.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), late);
        late.CancelAfter(stall);
        try
        {
            return await body.ReadAsync(buffer, late.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BadHttpRequestException(
                string.Create(CultureInfo.InvariantCulture, $"nothing came for {stall.TotalSeconds:0.#} s"),
                StatusCodes.Status408RequestTimeout,
                exception);
        }
        catch (IOException exception) when (exception is not BadHttpRequestException)
        {
            throw new BadHttpRequestException("the connection broke off", StatusCodes.Status400BadRequest, exception);
        }
        finally
        {
            // While the daemon itself is slow, the sender is not late.
            late.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        late.Dispose();
        base.Dispose(disposing);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
