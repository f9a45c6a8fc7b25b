using System.Globalization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Diagnostics;
using StorageHost.Images;

namespace StorageHost.Api.Errors;

/// <summary>
/// Answers every exception with an <see cref="ErrorMessage"/>. (ASP.NET Core itself ends the request of a client who went away, as 499.)
/// </summary>
internal sealed partial class ErrorHandler : IExceptionHandler
{
    private readonly ILogger<ErrorHandler> logger;
    private readonly RepeatedLines<(string Code, string Reason)> refusals;

    public ErrorHandler(TimeProvider time, ILogger<ErrorHandler> logger)
    {
        this.logger = logger;
        refusals = new RepeatedLines<(string Code, string Reason)>(
            1, (kind, count) => LogRefusedAgain(count, kind.Code, kind.Reason), time);
    }

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var (kind, message) = exception switch
        {
            RefusedException refused => (ErrorTable.Of(refused.Reason), refused.Message),
            InvalidRequestException invalid => (invalid.Kind, invalid.Message),
            BadHttpRequestException bad => Bare(httpContext, bad.StatusCode),
            _ => Bare(httpContext, StatusCodes.Status500InternalServerError),
        };

        // A mount that is away refuses every request for the same reason.
        var level = kind.Status switch
        {
            500 => LogLevel.Error,
            503 or 504 when exception is RefusedException && !refusals.MayWrite((kind.Code, message)) => LogLevel.Debug,
            > 500 => LogLevel.Warning,
            _ => LogLevel.Information,
        };

        // A refusal is expected: its reason and the call that failed say it all. Whoever refused logs the call as well, but sums it up when
        // it repeats.
        var cause = exception is RefusedException { InnerException: IOException failed } ? $" ({failed.Message})" : "";
        LogRefused(level, kind.Status >= 500 && exception is not RefusedException ? exception : null, kind.Code, message, cause);
        if (exception is RefusedException { UploadOffset: { } offset })
        {
            httpContext.Response.Headers[Templates.UploadHeaders.Offset] = offset.ToString(CultureInfo.InvariantCulture);
        }

        await httpContext.WriteErrorAsync(kind, message, (exception as InvalidRequestException)?.Errors);
        return true;
    }

    /// <summary>Gives a status that came without a body its <see cref="ErrorMessage"/>.</summary>
    public static Task WriteBareStatusAsync(StatusCodeContext context)
    {
        var (kind, message) = Bare(context.HttpContext, context.HttpContext.Response.StatusCode);
        return context.HttpContext.WriteErrorAsync(kind, message, errors: null);
    }

    private static (ErrorKind Kind, string Message) Bare(HttpContext context, int status) => (ErrorTable.OfStatus(status), status switch
    {
        // Who failed to show who it is wants to know why; who did not try, how to.
        401 => context.Features.Get<FailedProof>()?.Message ?? "A client certificate or token is needed.",
        403 => $"The client lacks the required scope: {context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>()?.Policy}.",
        404 => "There is nothing at this address; /swagger lists what there is.",
        405 => $"{Echo.Of(context.Request.Method)} is not allowed here; allowed: {context.Response.Headers.Allow}.",
        408 => "The body stopped: nothing came for too long; send the request again.",
        413 => $"The body is too large: at most {Dispatch.RequestBody.MaxBytes} bytes.",
        429 => "Too many wrong tokens came from this address; try again later, with a right one.",
        >= 500 => "Something went wrong inside the daemon; its log has the details under the trace id.",
        _ => "The request is not valid HTTP for this address.",
    });

    [LoggerMessage(Message = "Refused with {Code}: {Reason}{Cause}")]
    private partial void LogRefused(LogLevel level, Exception? exception, string code, string reason, string cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused {Count} more requests with {Code} within a minute: {Reason}")]
    private partial void LogRefusedAgain(long count, string code, string reason);
}
