using System.Net.Sockets;
using System.Security.Authentication;

namespace StorageHost.Cli.Connecting;

/// <summary>A request on its way from server to server, and what became of it so far.</summary>
internal sealed class Attempt(ClientRequest request)
{
    private readonly List<string> told = [];
    private Answer? refusal;
    private bool isDenied;

    public ClientRequest Request => request;

    /// <summary>Whether it may have taken effect although no answer came.</summary>
    public bool IsUnknown { get; private set; }

    /// <summary>Whether this answer is the end. If not, the next server is asked.</summary>
    public bool Takes(Answer answer)
    {
        if (request.IsOfOneNode && answer.Status == 404)
        {
            refusal = answer;
            return false;
        }

        if (request.IsRepeatable && answer.Status is 502 or 503 or 504)
        {
            refusal = answer;
            IsUnknown |= ClientExit.OfStatus(answer.Status, answer.Message, request.IsRead) == ClientExit.OutcomeUnknown;
            return false;
        }

        return true;
    }

    /// <summary>Nothing of it was sent.</summary>
    public void NotReached(ServerAddress server, Exception fault)
    {
        isDenied |= fault.GetBaseException() is SocketException { SocketErrorCode: SocketError.AccessDenied };
        told.Add($"{server}: {Describe(fault)}");
    }

    /// <summary>It was sent, and no answer came.</summary>
    /// <exception cref="ClientException">It may not be sent again.</exception>
    public void Lost(ServerAddress server, string how)
    {
        told.Add($"{server}: {how}");
        IsUnknown |= !request.IsRead;
        if (!request.IsRepeatable)
        {
            throw new ClientException(
                ClientExit.OutcomeUnknown, $"{server}: {how}; whether it took effect is unknown, so look before you do it again");
        }
    }

    /// <summary>What is left when no server is left: the last refusal, or nothing.</summary>
    public Answer End(IReadOnlyList<ServerAddress> servers)
    {
        var why = string.Join("; ", told.Distinct(StringComparer.Ordinal));
        if (IsUnknown && request.Key is { } key)
        {
            throw new ClientException(
                ClientExit.OutcomeUnknown,
                $"{(why.Length > 0 ? why : refusal!.Message)}; whether it took effect is unknown; "
                    + $"the same command with --key {key} tells, and does it only once");
        }

        return refusal ?? throw new ClientException(
            isDenied ? ClientExit.NoPermission : ClientExit.Unavailable,
            $"nobody answers ({why})" + (ReferenceEquals(servers, ServerAddress.Local) ? "; --server names a daemon elsewhere" : ""));
    }

    private static string Describe(Exception fault) => fault.GetBaseException() switch
    {
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable or SocketError.NotSocket } => "there is no such socket",
        SocketException socket => socket.Message,
        AuthenticationException tls => tls.Message,
        var other => other.Message,
    };
}
