using System.Globalization;
using System.Net;
using StorageHost.Images;
using StorageHost.Images.Ports;
using StorageHost.Images.Templates;

namespace StorageHost.Fetching;

/// <summary>An answer that is being read.</summary>
/// <param name="Response">The answer.</param>
/// <param name="Content">Its content.</param>
/// <param name="From">Where it came from, after all redirects.</param>
internal sealed record UrlAnswer(HttpResponseMessage Response, Stream Content, SourceUrl From);

/// <summary>
/// The content of a URL. A connection that breaks off or falls silent is followed by another one that goes on where the last byte was, for
/// as long as the server says that it is the same content.
/// </summary>
internal sealed class ResumableContent : Stream
{
    /// <summary>With as many bytes a connection has been worth its while, and what failed before is forgotten.</summary>
    internal const long Worth = 1 << 20;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly UrlRequests requests;
    private readonly SourceUrl origin;
    private readonly ContentVersion? version;
    private readonly ImportOptions options;
    private readonly Action<string?> hindered;
    private readonly TimeProvider time;
    private readonly long? length;

    // One for all reads: of a large image there are many.
    private CancellationTokenSource late;
    private UrlAnswer? current;
    private SourceUrl target;
    private long position;
    private long failedAt;
    private int failures;

    public ResumableContent(
        UrlRequests requests, SourceUrl origin, UrlAnswer first, long? length, ImportOptions options, Action<string?> hindered,
        TimeProvider time)
    {
        (this.requests, this.origin, current, target, this.length) = (requests, origin, first, first.From, length);
        (this.options, this.hindered, this.time, version) = (options, hindered, time, ContentVersion.Of(first.Response));
        late = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                current ??= await ContinueAsync(cancellationToken);
                var read = await ReadInTimeAsync(current.Content, buffer, cancellationToken);
                position += read;
                if (read > 0 || length is null || position == length)
                {
                    return read;
                }

                throw new IOException("the answer ended too soon");
            }
            catch (IOException exception)
            {
                Drop();
                await PauseAsync(exception.Message, cancellationToken);
            }
        }
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
        Drop();
        late.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Asks for the rest.</summary>
    private async Task<UrlAnswer> ContinueAsync(CancellationToken cancellationToken)
    {
        if (position > 0 && version is null)
        {
            throw new RestartException(
                "the connection broke off, and the server gives neither a strong ETag nor the time of the last change");
        }

        var (response, from) = await requests.AskAsync(target, origin, position, version, cancellationToken);
        try
        {
            RefuseOther(response);
            target = from;
            hindered(null);
            return new UrlAnswer(response, await response.Content.ReadAsStreamAsync(cancellationToken), from);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private void RefuseOther(HttpResponseMessage response)
    {
        var (status, range) = ((int)response.StatusCode, response.Content.Headers.ContentRange);
        if (position == 0 && response.StatusCode == HttpStatusCode.OK)
        {
            if (response.Content.Headers.ContentLength != length || version?.IsOf(response) is false)
            {
                throw new RestartException("the image has changed before it was fetched");
            }

            return;
        }

        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            throw new RestartException("the connection broke off, and the image has changed since or cannot be had in parts");
        }

        if (response.StatusCode != HttpStatusCode.PartialContent)
        {
            // An address that was good for one answer only: the URL itself leads to another.
            target = origin;
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"the server answered {status} when asked for the rest"));
        }

        if (version?.IsOf(response) is not true || range?.From != position || (range.HasLength && length is { } of && range.Length != of))
        {
            throw new RestartException("the image has changed while it was fetched");
        }
    }

    private async ValueTask<int> ReadInTimeAsync(Stream content, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await using var leaving = cancellationToken.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), late);
        late.CancelAfter(options.StallTimeout);
        try
        {
            return await content.ReadAsync(buffer, late.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            late.Dispose();
            late = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
            throw new IOException(
                string.Create(CultureInfo.InvariantCulture, $"nothing came for {options.StallTimeout.TotalSeconds:0.#} s"), exception);
        }
        catch (Exception exception) when (Faults.Of(exception) is { } fault)
        {
            throw new IOException(fault, exception);
        }
        finally
        {
            // While the daemon itself is slow, the server is not late.
            late.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    private async Task PauseAsync(string fault, CancellationToken cancellationToken)
    {
        if (position - failedAt >= Worth)
        {
            failures = 0;
        }

        failedAt = position;
        var reason = string.Create(CultureInfo.InvariantCulture, $"{fault}, at byte {position}");
        if (++failures > options.UrlRetries)
        {
            throw new RefusedException(Refusal.UrlFailed, $"{reason}; tried {failures} times (Import:UrlRetries)");
        }

        hindered(reason);
        var pause = TimeSpan.FromSeconds(1 << Math.Min(failures - 1, 5));
        await Task.Delay(pause < LongestPause ? pause : LongestPause, time, cancellationToken);
    }

    private void Drop()
    {
        current?.Response.Dispose();
        current = null;
    }
}
