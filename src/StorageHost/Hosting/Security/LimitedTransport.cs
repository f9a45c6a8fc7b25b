using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace StorageHost.Hosting.Security;

/// <summary>
/// Kestrel's sockets under a <see cref="ConnectionLimit"/> that holds at every moment: it is asked before the next connection is accepted.
/// (Kestrel's own limit is asked later, on the thread pool. A burst took all files before that, and .NET ends a process that cannot open
/// one when it makes code.)
/// </summary>
internal sealed class LimitedTransport(SocketTransportFactory sockets, ConnectionLimit limit, TimeProvider time)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await sockets.BindAsync(endpoint, cancellationToken), limit, time);

    private sealed class Listener(IConnectionListener listener, ConnectionLimit limit, TimeProvider time) : IConnectionListener
    {
        public EndPoint EndPoint => listener.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await listener.AcceptAsync(cancellationToken) is { } accepted)
            {
                var connection = new Connection(accepted, limit, time);
                if (limit.TryEnter(connection.Place))
                {
                    return connection;
                }

                connection.Abort(new ConnectionAbortedException("there are too many connections"));
                await connection.DisposeAsync();
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => listener.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => listener.DisposeAsync();
    }

    /// <summary>A connection that leaves its place when its socket is closed.</summary>
    private sealed class Connection : ConnectionContext
    {
        private readonly ConnectionContext inner;
        private readonly ConnectionLimit limit;

        public Connection(ConnectionContext inner, ConnectionLimit limit, TimeProvider time)
        {
            (this.inner, this.limit) = (inner, limit);
            Place = new ConnectionPlace(inner, time);
            inner.Features.Set(Place);
        }

        public ConnectionPlace Place { get; }

        public override string ConnectionId
        {
            get => inner.ConnectionId;
            set => inner.ConnectionId = value;
        }

        public override IFeatureCollection Features => inner.Features;

        public override IDictionary<object, object?> Items
        {
            get => inner.Items;
            set => inner.Items = value;
        }

        public override IDuplexPipe Transport
        {
            get => inner.Transport;
            set => inner.Transport = value;
        }

        public override CancellationToken ConnectionClosed
        {
            get => inner.ConnectionClosed;
            set => inner.ConnectionClosed = value;
        }

        public override EndPoint? LocalEndPoint
        {
            get => inner.LocalEndPoint;
            set => inner.LocalEndPoint = value;
        }

        public override EndPoint? RemoteEndPoint
        {
            get => inner.RemoteEndPoint;
            set => inner.RemoteEndPoint = value;
        }

        public override void Abort() => inner.Abort();

        public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            limit.Leave(Place);
            await base.DisposeAsync();
        }
    }
}
