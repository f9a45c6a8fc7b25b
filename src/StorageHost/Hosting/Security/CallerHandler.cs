using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StorageHost.Api.Errors;

namespace StorageHost.Hosting.Security;

/// <summary>
/// Finds out who calls: by the bearer token of the request, else by what the connection shows (a client certificate, the user at the
/// other end of a Unix socket), else it is anybody, who may do everything where nothing is asked for and nothing where it is.
/// </summary>
internal sealed partial class CallerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    IOptions<SecurityOptions> security,
    SecurityFiles files,
    FailureLimit failures,
    ILogger<CallerHandler> log)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, NullLoggerFactory.Instance, UrlEncoder.Default)
{
    // The framework's part logs nothing: it would have a line for each refusal, and the request log has one.
    public const string SchemeName = "caller";

    private const string Bearer = "Bearer";

    private bool isLimited;

    private bool TakesTokens => security.Value.TokensFile.Length > 0;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Authenticate());

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if ((await HandleAuthenticateOnceAsync()).Failure is { } failure)
        {
            Context.Features.Set(new FailedProof(failure.Message));
        }

        Response.StatusCode = isLimited ? StatusCodes.Status429TooManyRequests : StatusCodes.Status401Unauthorized;
        if (TakesTokens)
        {
            Response.Headers.WWWAuthenticate = Bearer;
        }
    }

    private AuthenticateResult Authenticate() =>
        TakesTokens && Request.Headers.Authorization.Count > 0 ? ByToken()
        : Context.Features.Get<PeerCertificate>() is { } peer ? ByCertificate(peer)
        : Context.Features.Get<IConnectionSocketFeature>()?.Socket is { AddressFamily: AddressFamily.Unix } socket ? BySocket(socket)
        : security.Value.IsOpen ? Is(Grant.Everything("anybody"), "anonymous")
        : AuthenticateResult.NoResult();

    private AuthenticateResult ByToken()
    {
        var isToken = AuthenticationHeaderValue.TryParse(Request.Headers.Authorization, out var header)
            && header.Scheme.Equals(Bearer, StringComparison.OrdinalIgnoreCase);
        if (isToken && files.Tokens.Current.Find(header!.Parameter ?? "") is { } grant)
        {
            return Is(grant, "token");
        }

        isLimited = !failures.Admit(Context.Connection.RemoteIpAddress);
        if (!isLimited)
        {
            LogWrongToken(Context.Connection.RemoteIpAddress);
        }

        return AuthenticateResult.Fail(isToken
            ? "The token is not known; it was mistyped, removed, or made for another daemon."
            : "The Authorization header does not hold a token; it must be: Bearer <token>.");
    }

    private AuthenticateResult ByCertificate(PeerCertificate peer)
    {
        if (files.ClientCa.Current is { } trust && peer.IsTrusted(trust, TimeProvider.GetUtcNow()))
        {
            return Is(files.Clients.Current.Find(peer.Certificate), "certificate");
        }

        // The client may have another one by now: it shows it on its next connection.
        Context.Connection.RequestClose();
        return AuthenticateResult.Fail("The client certificate is no longer trusted.");
    }

    private static AuthenticateResult BySocket(Socket socket) => Is(Grant.Everything($"uid {UnixSocket.PeerUser(socket)}"), "socket");

    private static AuthenticateResult Is(Grant grant, string how) =>
        AuthenticateResult.Success(new AuthenticationTicket(grant.ToCaller(how), SchemeName));

    [LoggerMessage(Level = LogLevel.Warning, Message = "A wrong token came from {Client}")]
    private partial void LogWrongToken(IPAddress? client);
}
