using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace StorageHost.Hosting.Security;

/// <summary>
/// Tries every address before anything else is begun. Kestrel binds them last, when all parts of the daemon run: then a taken port is told
/// in a stack trace of each of them.
/// </summary>
internal static class ListenProbe
{
    /// <summary>Binds each address once, and lets go of it.</summary>
    /// <exception cref="IOException">One cannot be bound; the message says which, and why.</exception>
    public static void Try(IServiceProvider services)
    {
        // A test has another server in its place, which listens on nothing.
        if (services.GetRequiredService<IServer>().GetType().Assembly != typeof(KestrelServer).Assembly)
        {
            return;
        }

        var mode = services.GetRequiredService<IOptions<SecurityOptions>>().Value.SocketMode;
        foreach (var address in ListenAddress.Used(services.GetRequiredService<IConfiguration>()))
        {
            Try(address, mode);
        }
    }

    private static void Try(ListenAddress address, string mode)
    {
        foreach (var endPoint in address.EndPoints)
        {
            try
            {
                using var socket = UnixSocket.Bind(endPoint, mode);
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                throw new IOException($"{address.Key}: {address.Url} is taken: another program listens there", fault);
            }
            catch (SocketException fault) when (!address.IsOneOfSeveral)
            {
                throw new IOException($"{address.Key}: {address.Url} cannot be listened on: {fault.Message}", fault);
            }
            catch (SocketException)
            {
                // Kestrel tries the other one, and says so when that fails too.
            }
            finally
            {
                UnixSocket.RemoveAbandoned(endPoint);
            }
        }
    }
}
