using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Win32.SafeHandles;
using StorageHost.Files.Posix;

namespace StorageHost.Hosting.Security;

/// <summary>A Unix socket to listen on: its file's permissions say who may connect.</summary>
internal static class UnixSocket
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const int FileTypeMask = 0xf000;
    private const int SocketFileType = 0xc000;

    /// <summary>
    /// As Kestrel does it by default, except that a Unix socket gets its mode before anybody can connect, and may lie where a killed daemon
    /// left one.
    /// </summary>
    public static Socket Bind(EndPoint endPoint, string mode)
    {
        if (endPoint is not UnixDomainSocketEndPoint)
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        }

        RemoveAbandoned(endPoint);
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        File.SetUnixFileMode(endPoint.ToString()!, (UnixFileMode)Convert.ToInt32(mode, 8));
        return socket;
    }

    /// <summary>The id of the user whose program is at the other end.</summary>
    public static uint PeerUser(Socket socket)
    {
        // struct ucred of sys/socket.h: pid, uid, gid.
        Span<uint> credentials = stackalloc uint[3];
        socket.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(credentials));
        return credentials[1];
    }

    /// <summary>Removes the file of a socket that nobody listens on; does nothing for other kinds of addresses.</summary>
    public static void RemoveAbandoned(EndPoint endPoint)
    {
        if (endPoint is not UnixDomainSocketEndPoint)
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(endPoint);
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            RemoveSocket(endPoint.ToString()!);
        }
        catch (SocketException)
        {
            // There is none, or it cannot be told: binding says what is in the way.
        }
    }

    /// <summary>Connecting to a file that is no socket is refused as well; such a file stays.</summary>
    private static void RemoveSocket(string path)
    {
        using var here = new SafeFileHandle(Syscalls.AtFdCwd, ownsHandle: false);
        if (Syscalls.StatAt(here, path, Syscalls.AtSymlinkNoFollow, Syscalls.BasicStats, out var stat) == 0
            && (stat.Mode & FileTypeMask) == SocketFileType)
        {
            Syscalls.UnlinkAt(here, path, 0);
        }
    }
}
