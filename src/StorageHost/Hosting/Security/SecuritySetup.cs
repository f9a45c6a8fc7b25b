using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using StorageHost.Api;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace StorageHost.Hosting.Security;

/// <summary>Joins who may do what to a host.</summary>
internal static class SecuritySetup
{
    private const string BearerScheme = "bearer";

    public static IServiceCollection AddSecurity(this IServiceCollection services)
    {
        services.AddSingleton<FailureLimit>().AddSingleton<ConnectionLimit>().AddSingleton<Tls>().AddHostedService<SecurityWatch>();

        // Kestrel asks the last transport first.
        services.AddSingleton<SocketTransportFactory>().AddSingleton<IConnectionListenerFactory, LimitedTransport>();

        // Only the core of it: the rest keeps keys for cookies in the user's home.
        services.AddTransient<CallerHandler>().AddAuthenticationCore(authentication =>
        {
            authentication.DefaultScheme = CallerHandler.SchemeName;
            authentication.AddScheme<CallerHandler>(CallerHandler.SchemeName, displayName: null);
        });
        services.AddAuthorization(Demand);
        services.AddOptions<SwaggerGenOptions>().Configure<IOptions<SecurityOptions>>(Document);
        services.AddOptions<KestrelServerOptions>().Configure<Tls>((kestrel, tls) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureHttpsDefaults(tls.Configure);
        });
        services.AddOptions<SocketTransportOptions>().Configure<IOptions<SecurityOptions>>((sockets, security) =>
            sockets.CreateBoundListenSocket = endPoint => UnixSocket.Bind(endPoint, security.Value.SocketMode));
        return services;
    }

    /// <summary>Comes after what writes error answers, and before the endpoints.</summary>
    public static IApplicationBuilder UseSecurity(this IApplicationBuilder app) =>
        app.UseMiddleware<BrowserRules>().UseAuthentication().UseAuthorization();

    /// <summary>Says for how long a connection has a request; comes first, so that no answer is cut short.</summary>
    public static IApplicationBuilder UseConnectionLimit(this IApplicationBuilder app) => app.Use((context, next) =>
        context.Features.Get<ConnectionPlace>() is { } place ? place.ServeAsync(() => next(context)) : next(context));

    /// <summary>A policy for each scope. What names none (an address where nothing is) is for those who are known.</summary>
    private static void Demand(AuthorizationOptions authorization)
    {
        foreach (var scope in Scopes.All)
        {
            authorization.AddPolicy(scope, policy => policy.RequireClaim(Grant.ScopeClaim, scope));
        }

        authorization.FallbackPolicy = authorization.DefaultPolicy;
    }

    /// <summary>Has the documentation's page ask for a token, where there are any.</summary>
    private static void Document(SwaggerGenOptions swagger, IOptions<SecurityOptions> security)
    {
        if (security.Value.TokensFile.Length == 0)
        {
            return;
        }

        swagger.AddSecurityDefinition(BearerScheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = BearerScheme,
            Description = $"A token that `storagehost token add` has made; its scopes are of {string.Join(", ", Scopes.All)}.",
        });
        swagger.AddSecurityRequirement(document =>
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerScheme, document)] = [] });
    }
}
