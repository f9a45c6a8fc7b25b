using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;

namespace StorageHost.Api;

/// <summary>
/// Gives the span that ASP.NET Core makes of each request the name and the attributes of OpenTelemetry's conventions for HTTP. Probes are
/// asked for every few seconds and would fill traces: they are not exported.
/// </summary>
internal sealed class RequestSpan(RequestDelegate next)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var span = Activity.Current;
        if (span is null || !span.IsAllDataRequested)
        {
            await next(context);
            return;
        }

        if (RequestLog.IsProbe(context.Request.Path))
        {
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }

        await next(context);
        var method = context.Request.Method;

        // Where an exception was answered, the endpoint that threw it stands there only.
        var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? method : $"{method} {route}";
        span.SetTag("http.request.method", method).SetTag("http.route", route).SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    }
}
