using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Unicode;
using StorageHost.Api.Errors;

namespace StorageHost.Api.Dispatch;

/// <summary>Reads a body as JSON, whatever its Content-Type says: clients send a form's, or none.</summary>
internal static class RequestBody
{
    /// <summary>The largest body that is read, in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int MaxDepth = 16;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads the bytes of the body; a larger one is refused.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var result = await ReadMostAsync(request, cancellationToken);
        if (result.Buffer.Length > MaxBytes)
        {
            throw new BadHttpRequestException("body too large", StatusCodes.Status413PayloadTooLarge);
        }

        var body = result.Buffer.ToArray();
        request.BodyReader.AdvanceTo(result.Buffer.End);
        return body;
    }

    private static async Task<ReadResult> ReadMostAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await request.BodyReader.ReadAtLeastAsync(MaxBytes + 1, cancellationToken);
        }
        catch (IOException exception) when (exception is not BadHttpRequestException)
        {
            // Kestrel's words for chunks whose size overflows are those of a broken connection.
            throw new BadHttpRequestException("unreadable body", StatusCodes.Status400BadRequest, exception);
        }
    }

    /// <summary>Parses a body that is a JSON object.</summary>
    public static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        var json = body.Span.StartsWith(ByteOrderMark) ? body[ByteOrderMark.Length..] : body;
        if (json.IsEmpty)
        {
            throw new InvalidRequestException(ErrorTable.InvalidJson, "The body is empty; it must be a JSON object.");
        }

        if (!Utf8.IsValid(json.Span))
        {
            throw new InvalidRequestException(ErrorTable.InvalidJson, "The body is not valid UTF-8; it must be a JSON object in UTF-8.");
        }

        var document = ParseText(json);
        if (document.RootElement.ValueKind is not JsonValueKind.Object)
        {
            document.Dispose();
            throw new InvalidRequestException(ErrorTable.InvalidPayload, "The body must be a JSON object, not another JSON value.");
        }

        return document;
    }

    private static JsonDocument ParseText(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
        }
        catch (JsonException fault)
        {
            var (reason, place) = JsonFault.Of(fault);
            throw NotJson($" ({place}): {reason} It");
        }
        catch (InvalidOperationException)
        {
            // The parser unescapes member names to find duplicates and throws this at half of a surrogate pair.
            throw NotJson("; it");
        }
    }

    private static InvalidRequestException NotJson(string why) => new(
        ErrorTable.InvalidJson,
        $"The body cannot be read{why} must be one JSON object, no member twice, at most {MaxDepth} levels deep.");
}
