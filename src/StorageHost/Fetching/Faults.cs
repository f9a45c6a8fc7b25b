using System.Net.Sockets;
using System.Security.Authentication;

namespace StorageHost.Fetching;

/// <summary>What may happen on the way to a server, in words.</summary>
internal static class Faults
{
    /// <summary>What a fault of a connection is told as; null when it is none.</summary>
    public static string? Of(Exception exception) => exception switch
    {
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            "the name is not known",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "the connection was refused",
        SocketException => "there is no connection",
        AuthenticationException => "no TLS connection can be made: is the certificate one that this machine trusts?",
        HttpRequestException { InnerException: { } cause } when Of(cause) is { } inner => inner,
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } => "the answer is no HTTP",
        HttpRequestException or IOException => "the connection broke off",
        _ => null,
    };
}
