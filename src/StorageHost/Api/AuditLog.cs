using StorageHost.Api.Errors;

namespace StorageHost.Api;

/// <summary>What the audit line of a change says besides who asked for it; whoever finds it out sets it.</summary>
internal sealed class AuditedChange
{
    /// <summary>The change in the words of the wire; null while the request was not understood.</summary>
    public string? What { get; set; }

    /// <summary>The code of the error that it was answered with; null when it was done.</summary>
    public string? Code { get; set; }
}

/// <summary>Logs one line for each change that was asked for: who, what, outcome. Who was turned away stands there too.</summary>
internal sealed partial class AuditLog(RequestDelegate next, ILogger<AuditLog> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            await next(context);
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
            var who = context.User.Identity is { IsAuthenticated: true } caller ? $"{Echo.Of(caller.Name ?? "")} ({caller.AuthenticationType})" : "nobody";
            var what = change.What ?? $"{Echo.Of(context.Request.Method)} {context.Request.Path.ToUriComponent()}";
            LogChange(who, what, context.Response.StatusCode, change.Code is null ? "" : $" {change.Code}");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Audit: {Who} asked for {What}: {Status}{Code}")]
    private partial void LogChange(string who, string what, int status, string code);
}
