using System.Net;
using Microsoft.Extensions.Options;
using StorageHost.Api.Errors;

namespace StorageHost.Hosting.Security;

/// <summary>
/// Keeps pages of other sites, open in a browser that can reach the daemon, from using it: they may change nothing, and a daemon that
/// asks nobody who it is answers to no name that somebody else's DNS could give it. Other programs send nothing that this looks at.
/// </summary>
internal sealed class BrowserRules(RequestDelegate next, IOptions<SecurityOptions> security)
{
    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(() =>
        {
            AddHeaders(context);
            return Task.CompletedTask;
        });
        return FindFault(context) is { } fault ? context.WriteErrorAsync(ErrorTable.Forbidden, fault, errors: null) : next(context);
    }

    private string? FindFault(HttpContext context)
    {
        var request = context.Request;
        var isChange = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);
        var isForThisMachine = security.Value is { IsOpen: true, AllowAnonymous: false };
        return isChange && IsCrossSite(request) ? "A page of another site may not do that."
            : isForThisMachine && IsForeignName(request.Host)
                ? "This daemon is for programs on its own machine, which call it localhost or by its address."
            : null;
    }

    /// <summary>As the browser says itself; an older one says only where the page is from.</summary>
    private static bool IsCrossSite(HttpRequest request) => request.Headers["Sec-Fetch-Site"] is [{ } site]
        ? site is not ("same-origin" or "none")
        : request.Headers.Origin is [var origin] && !IsAt(origin, request.Host);

    private static bool IsAt(string? origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Authority.Equals(host.Value, StringComparison.OrdinalIgnoreCase);

    /// <summary>A name with a dot may be anybody's, who lets it lead to 127.0.0.1 once his page is loaded.</summary>
    private static bool IsForeignName(HostString host) =>
        host.Host.Contains('.', StringComparison.Ordinal) && !IPAddress.TryParse(host.Host, out _);

    private static void AddHeaders(HttpContext context)
    {
        var headers = context.Response.Headers;
        var isPage = context.Request.Path.StartsWithSegments("/swagger", StringComparison.OrdinalIgnoreCase);
        headers.ContentSecurityPolicy = isPage
            ? "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                + "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
            : "default-src 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (!isPage)
        {
            headers.CacheControl = "no-store";
        }
    }
}
