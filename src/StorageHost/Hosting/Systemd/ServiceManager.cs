using System.Net.Sockets;
using System.Text;

namespace StorageHost.Hosting.Systemd;

/// <summary>Tells systemd how the daemon is, as sd_notify(3) does: a datagram to the socket that <c>$NOTIFY_SOCKET</c> names.</summary>
/// <param name="address">A path, or the name of an abstract socket with @ before it; null where nobody wants to know.</param>
internal sealed class ServiceManager(string? address)
{
    /// <summary>Where systemd says that it listens.</summary>
    public const string Variable = "NOTIFY_SOCKET";

    /// <summary>A manager that hangs must not keep the daemon from stopping, or from anything else.</summary>
    private const int SendTimeoutMs = 1000;

    private readonly UnixDomainSocketEndPoint? endPoint = address is ['/' or '@', _, ..]
        ? new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address)
        : null;

    /// <summary>Whether the daemon was started by somebody who wants to know.</summary>
    public bool Listens => endPoint is not null;

    /// <summary>Tells it, where it listens.</summary>
    /// <param name="state">What of <see cref="ServiceState"/>.</param>
    public void Tell(string state)
    {
        if (endPoint is null)
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = SendTimeoutMs };
            socket.SendTo(Encoding.UTF8.GetBytes(state), endPoint);
        }
        catch (SocketException)
        {
            // Nobody is there to be told, or does not listen: the daemon serves all the same.
        }
    }
}
