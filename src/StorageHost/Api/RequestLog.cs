using System.Diagnostics;

namespace StorageHost.Api;

/// <summary>Logs one line for each request, when it is over.</summary>
internal sealed partial class RequestLog(RequestDelegate next, ILogger<RequestLog> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            var level = IsProbe(context.Request.Path) ? LogLevel.Debug : LogLevel.Information;
            if (logger.IsEnabled(level))
            {
                // As a URI component the path has no control characters left.
                var path = context.Request.Path.ToUriComponent();
                var milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                var client = context.Connection.RemoteIpAddress?.ToString() ?? "on this machine";
                LogServed(level, context.Request.Method, path, context.Response.StatusCode, milliseconds, client);
            }
        }
    }

    /// <summary>Whether a request is one that is made every few seconds, to look whether the daemon is well.</summary>
    public static bool IsProbe(PathString path) => path.Equals("/healthz", StringComparison.OrdinalIgnoreCase)
        || path.Equals("/readyz", StringComparison.OrdinalIgnoreCase)
        || path.Equals("/metrics", StringComparison.OrdinalIgnoreCase);

    [LoggerMessage(Message = "{Method} {Path} {Status} in {Milliseconds:0.0} ms (client {Client})")]
    private partial void LogServed(
        LogLevel level, string method, string path, int status, double milliseconds, string client);
}
