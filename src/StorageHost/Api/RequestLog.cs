using Serilog;
using Serilog.Events;

namespace StorageHost.Api;

/// <summary>One log line for each request, when it is over.</summary>
internal static class RequestLog
{
    public static IApplicationBuilder UseRequestLog(this IApplicationBuilder app) => app.UseSerilogRequestLogging(options =>
    {
        options.Logger = app.ApplicationServices.GetRequiredService<Serilog.ILogger>();
        options.MessageTemplate = "{Method} {Path} {Status} in {Milliseconds:0.0} ms (client {Client})";
        options.GetLevel = (context, _, _) => IsProbe(context.Request.Path) ? LogEventLevel.Debug : LogEventLevel.Information;
        options.GetMessageTemplateProperties = (context, _, milliseconds, status) => Properties(context, milliseconds, status);
    });

    /// <summary>Whether a request is one that is made every few seconds, to look whether the daemon is well.</summary>
    public static bool IsProbe(PathString path) => path.Equals("/healthz", StringComparison.OrdinalIgnoreCase)
        || path.Equals("/readyz", StringComparison.OrdinalIgnoreCase)
        || path.Equals("/metrics", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<LogEventProperty> Properties(HttpContext context, double milliseconds, int status) =>
    [
        Property("Method", context.Request.Method),

        // As a URI component the path has no control characters left.
        Property("Path", context.Request.Path.ToUriComponent()),
        Property("Status", status),
        Property("Milliseconds", milliseconds),
        Property("Client", context.Connection.RemoteIpAddress?.ToString() ?? "on this machine"),
    ];

    private static LogEventProperty Property(string name, object value) => new(name, new ScalarValue(value));
}
