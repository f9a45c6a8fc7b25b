using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using StorageHost.Api.Dispatch;
using StorageHost.Api.Errors;
using StorageHost.Api.Swagger;
using StorageHost.Api.Templates;

namespace StorageHost.Api;

/// <summary>Joins the HTTP interface to a host: services, middleware, endpoints.</summary>
internal static class ApiSetup
{
    public static IServiceCollection AddStorageHostApi(this IServiceCollection services) => services
        .AddSingleton<CommandReader>()
        .AddSingleton<EventStream>()
        .AddResponseCompression(compression => compression.EnableForHttps = true)
        .AddExceptionHandler<ErrorHandler>()
        .ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions))
        .Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = RequestBody.MaxBytes)
        .AddSwaggerDocument();

    /// <summary>The log lines and the error answers of every request; comes before all other middleware.</summary>
    public static IApplicationBuilder UseStorageHostApi(this IApplicationBuilder app) => app
        .UseRequestLog()
        .UseMiddleware<AuditLog>()
        .UseResponseCompression()
        .UseExceptionHandler(_ => { })
        .UseStatusCodePages(ErrorHandler.WriteBareStatusAsync);

    /// <summary>Maps every endpoint, each with the scope that it needs; liveness and the documentation need none.</summary>
    public static void MapStorageHostApi(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/healthz", Healthz).WithName("healthz").WithTags("Health").AllowAnonymous()
            .WithSummary("Says that the daemon runs; touches no storage");
        var api = endpoints.MapGroup("");
        api.MapDispatch();
        api.MapTemplates();
        api.MapPools();
        api.MapJobs();
        api.MapImageStorages();
        api.MapEvents();
        api.MapSwagger().AllowAnonymous();
        api.MapSwaggerUI().AllowAnonymous();
    }

    /// <summary>Documents the statuses of the errors that an endpoint answers besides those that every one does.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder endpoint, params IEnumerable<int> statuses)
    {
        foreach (var status in statuses.Union([401, 403, 429, 500]).Order())
        {
            endpoint.Produces<ErrorMessage>(status);
        }

        return endpoint;
    }

    private static Ok<HealthAnswer> Healthz() => TypedResults.Ok(new HealthAnswer("ok"));
}
