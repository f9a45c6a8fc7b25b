using System.Net.Sockets;
using System.Text;
using StorageHost.Hosting.Systemd;

namespace StorageHost.Tests.Hosting.Systemd;

/// <summary>The end of the socket that systemd would have.</summary>
internal sealed class Listener : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };

    public Listener(bool isAbstract = true)
    {
        var name = Guid.NewGuid().ToString("N");
        Address = isAbstract ? $"@{name}" : Path.Combine(Path.GetTempPath(), name);
        socket.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{name}" : Address));
        Manager = new ServiceManager(Address);
    }

    public string Address { get; }

    public ServiceManager Manager { get; }

    /// <summary>Whether there is something that was not heard yet.</summary>
    public bool HasHeard => socket.Available > 0;

    public string Hear()
    {
        var buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }

    /// <summary>Sends as much as the socket holds before somebody listens.</summary>
    public void Fill()
    {
        using var sender = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            while (true)
            {
                sender.SendTo("full"u8, socket.LocalEndPoint!);
            }
        }
        catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
        {
            // That is what was wanted.
        }
    }

    public void Dispose()
    {
        socket.Dispose();
        if (!Address.StartsWith('@'))
        {
            File.Delete(Address);
        }
    }
}
