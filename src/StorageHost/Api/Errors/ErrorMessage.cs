using System.Diagnostics;
using System.Text.Json.Serialization;

namespace StorageHost.Api.Errors;

/// <summary>The one object that every error is answered with.</summary>
/// <param name="Status">Always <c>error</c>.</param>
/// <param name="Code">What went wrong, for programs: it does not change.</param>
/// <param name="Message">What went wrong and what would be right, for people.</param>
/// <param name="TraceId">Under which the log tells of this request.</param>
/// <param name="Errors">Every fault of an invalid request, by the field's name on the wire.</param>
internal sealed record ErrorMessage(
    string Status,
    string Code,
    string Message,
    string TraceId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Errors);

/// <summary>Writes error answers.</summary>
internal static class ErrorResponse
{
    private const string RetryAfterSeconds = "5";

    public static Task WriteErrorAsync(
        this HttpContext context, ErrorKind kind, string message, IReadOnlyDictionary<string, string[]>? errors)
    {
        context.Response.StatusCode = kind.Status;
        context.Features.Get<AuditedChange>()?.Code = kind.Code;
        if (kind.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
        }

        // Without a token: writing to a client who went away then ends quietly instead of throwing.
        var error = new ErrorMessage("error", kind.Code, message, context.TraceId(), errors);
        return context.Response.WriteAsJsonAsync(error, CancellationToken.None);
    }

    /// <summary>The id that joins an answer, its log lines and the caller's own trace.</summary>
    public static string TraceId(this HttpContext context) => Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;
}
