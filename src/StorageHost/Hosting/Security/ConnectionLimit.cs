using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace StorageHost.Hosting.Security;

/// <summary>
/// Keeps the number of connections well below that of the files which the process may have open, so that the storage always has some.
/// At the limit, a new connection takes the place of the one that has been without a request for longest; without such a one it is closed.
/// </summary>
internal sealed partial class ConnectionLimit
{
    /// <summary>For callers on this machine above the limit: an operator and the watchdog's probe, when everybody else is busy.</summary>
    internal const int Reserve = 16;

    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly HashSet<ConnectionPlace> places = [];
    private readonly TimeProvider time;
    private readonly ILogger<ConnectionLimit> log;
    private long? loggedAt;

    public ConnectionLimit(IOptions<SecurityOptions> security, TimeProvider time, ILogger<ConnectionLimit> log)
        : this(security.Value.MaxConnections, OpenFiles.Left(), time, log)
    {
    }

    /// <param name="wanted">As configured.</param>
    /// <param name="files">How many files the process may still open.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Says what the limit is, where it is not the configured one, and when it was met.</param>
    internal ConnectionLimit(int wanted, long files, TimeProvider time, ILogger<ConnectionLimit> log)
    {
        (this.time, this.log) = (time, log);
        Most = (int)Math.Min(wanted, Math.Max(1, files / 2));
        if (Most < wanted)
        {
            LogLowered(Most, files);
        }
    }

    /// <summary>How many connections there may be: they leave half of the files to everything else.</summary>
    public int Most { get; }

    /// <summary>Takes a place for a connection, from an idle one where there is no other.</summary>
    /// <returns>False when every other connection has a request under way.</returns>
    public bool TryEnter(ConnectionPlace place)
    {
        ConnectionPlace? idle = null;
        lock (gate)
        {
            if (places.Count >= Most)
            {
                Say();
                idle = places.Where(other => other.IsIdle).MinBy(other => other.IdleSince);
                if (idle is null && !(place.IsLocal && places.Count < Most + Reserve))
                {
                    return false;
                }

                _ = idle is not null && places.Remove(idle);
            }

            places.Add(place);
        }

        // It closes the socket before it returns.
        idle?.Connection.Abort(new ConnectionAbortedException("it was idle, and another connection needed its place"));
        return true;
    }

    /// <summary>Gives the place back, when the connection's socket is closed.</summary>
    public void Leave(ConnectionPlace place)
    {
        lock (gate)
        {
            places.Remove(place);
        }
    }

    private void Say()
    {
        if (loggedAt is { } last && time.GetElapsedTime(last) < LogInterval)
        {
            return;
        }

        loggedAt = time.GetTimestamp();
        LogMet(Most, places.Count(place => place.IsIdle));
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "At most {Most} connections are served: half of the {Files} files that this process may still open (LimitNOFILE)")]
    private partial void LogLowered(int most, long files);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "All {Most} connections are in use, {Idle} of them without a request: "
            + "new ones replace the longest idle (Security:MaxConnections)")]
    private partial void LogMet(int most, int idle);
}

/// <summary>One connection, and whether it has a request under way.</summary>
internal sealed class ConnectionPlace(ConnectionContext connection, TimeProvider time)
{
    private long idleSince = time.GetTimestamp();
    private int requests;

    public ConnectionContext Connection => connection;

    public bool IsIdle => Volatile.Read(ref requests) == 0;

    /// <summary>When its last request ended, or it began.</summary>
    public long IdleSince => Volatile.Read(ref idleSince);

    /// <summary>Whether the caller is on this machine: over a Unix socket, or from the very address that it calls.</summary>
    public bool IsLocal => connection.RemoteEndPoint is not IPEndPoint remote
        || IPAddress.IsLoopback(remote.Address)
        || (connection.LocalEndPoint is IPEndPoint local && local.Address.Equals(remote.Address));

    /// <summary>Counts a request for as long as it is served.</summary>
    public async Task ServeAsync(Func<Task> request)
    {
        Interlocked.Increment(ref requests);
        try
        {
            await request();
        }
        finally
        {
            Volatile.Write(ref idleSince, time.GetTimestamp());
            Interlocked.Decrement(ref requests);
        }
    }
}
