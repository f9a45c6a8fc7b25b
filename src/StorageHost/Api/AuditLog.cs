using StorageHost.Api.Errors;
using StorageHost.Images;

namespace StorageHost.Api;

/// <summary>What the audit line of a change says besides who asked for it; whoever finds it out sets it.</summary>
internal sealed class AuditedChange
{
    /// <summary>The change in the words of the wire; null while the request was not understood.</summary>
    public string? What { get; set; }

    /// <summary>The code of the error that it was answered with; null when it was done.</summary>
    public string? Code { get; set; }
}

/// <summary>Marks a request that is counted instead of being written: one of many by callers whom nobody knows.</summary>
internal sealed class CountedRequest;

/// <summary>
/// Logs one line for each change that was asked for: who, what, outcome. Who was turned away stands there too; of callers whom nobody
/// knows, so many a minute, and the rest as a sum. What they may not read is counted in the same way, for the log of the requests.
/// </summary>
internal sealed partial class AuditLog
{
    /// <summary>Enough to see who tries what; a controller with a wrong token is among them.</summary>
    private const int StrangersWritten = 20;

    private const string Nobody = "nobody";
    private const string Changes = "changes";
    private const string Reads = "reads";

    private readonly RequestDelegate next;
    private readonly ILogger<AuditLog> logger;
    private readonly RepeatedLines<string> strangers;

    public AuditLog(RequestDelegate next, TimeProvider time, ILogger<AuditLog> logger)
    {
        (this.next, this.logger) = (next, logger);
        strangers = new RepeatedLines<string>(StrangersWritten, (kind, count) => LogStrangers(count, kind), time);
    }

    public async Task InvokeAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            await next(context);
            CountRead(context);
            return;
        }

        var change = new AuditedChange();
        context.Features.Set(change);
        try
        {
            await next(context);
        }
        finally
        {
            var caller = context.User.Identity is { IsAuthenticated: true } known ? known : null;
            if (caller is not null || MayWrite(Changes, context))
            {
                var who = caller is null ? Nobody : $"{Echo.Of(caller.Name ?? "")} ({caller.AuthenticationType})";
                var what = change.What ?? $"{Echo.Of(context.Request.Method)} {RequestLog.PathOf(context)}";
                LogChange(who, what, context.Response.StatusCode, change.Code is null ? "" : $" {change.Code}");
            }
        }
    }

    private void CountRead(HttpContext context)
    {
        if (context.User.Identity is not { IsAuthenticated: true }
            && context.Response.StatusCode is StatusCodes.Status401Unauthorized or StatusCodes.Status429TooManyRequests
            && !RequestLog.IsProbe(context.Request.Path))
        {
            _ = MayWrite(Reads, context);
        }
    }

    private bool MayWrite(string kind, HttpContext context)
    {
        var writes = strangers.MayWrite(kind);
        if (!writes)
        {
            context.Features.Set(new CountedRequest());
        }

        return writes;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Audit: nobody asked for {Count} more {Kind} within a minute")]
    private partial void LogStrangers(long count, string kind);

    [LoggerMessage(Level = LogLevel.Information, Message = "Audit: {Who} asked for {What}: {Status}{Code}")]
    private partial void LogChange(string who, string what, int status, string code);
}
