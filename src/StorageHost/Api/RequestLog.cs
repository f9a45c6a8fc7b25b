using Serilog;
using Serilog.Events;
using StorageHost.Api.Errors;

namespace StorageHost.Api;

/// <summary>One log line for each request, when it is over.</summary>
internal static class RequestLog
{
    private const int LongestPath = 256;

    public static IApplicationBuilder UseRequestLog(this IApplicationBuilder app) => app.UseSerilogRequestLogging(options =>
    {
        options.Logger = app.ApplicationServices.GetRequiredService<Serilog.ILogger>();
        options.MessageTemplate = "{Method} {Path} {Status} in {Milliseconds:0.0} ms (client {Client})";
        options.GetLevel = (context, _, _) =>
            IsProbe(context.Request.Path) || context.Features.Get<CountedRequest>() is not null
                ? LogEventLevel.Debug
                : LogEventLevel.Information;
        options.GetMessageTemplateProperties = (context, _, milliseconds, status) => Properties(context, milliseconds, status);
    });

    /// <summary>Whether a request is one that is made every few seconds, to look whether the daemon is well.</summary>
    public static bool IsProbe(PathString path) => path.Equals("/healthz", StringComparison.OrdinalIgnoreCase)
        || path.Equals("/readyz", StringComparison.OrdinalIgnoreCase)
        || path.Equals("/metrics", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// A request's path for a log line: as a URI component it has no control characters left, and of a long one the beginning will do.
    /// </summary>
    public static string PathOf(HttpContext context) => Echo.Of(context.Request.Path.ToUriComponent(), LongestPath);

    private static IEnumerable<LogEventProperty> Properties(HttpContext context, double milliseconds, int status) =>
    [
        Property("Method", context.Request.Method),
        Property("Path", PathOf(context)),
        Property("Status", status),
        Property("Milliseconds", milliseconds),
        Property("Client", context.Connection.RemoteIpAddress?.ToString() ?? "on this machine"),
    ];

    private static LogEventProperty Property(string name, object value) => new(name, new ScalarValue(value));
}
