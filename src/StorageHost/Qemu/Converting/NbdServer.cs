using System.Net.Sockets;

namespace StorageHost.Qemu.Converting;

/// <summary>
/// Serves exports to a program, each on a Unix socket of its own. The sockets lie in a folder that only this user may enter, beside the
/// files of nobody: after a kill, they are all that is left of a conversion there.
/// </summary>
internal sealed class NbdServer : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("storagehost-");
    private readonly List<Socket> sockets = [];
    private readonly List<Task> sessions = [];
    private readonly CancellationTokenSource ending;

    public NbdServer(CancellationToken cancellationToken) => ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    /// <summary>Completes with the first fault of what is served; the program need not be waited for then.</summary>
    public Task<Exception> Broken => broken.Task;

    private readonly TaskCompletionSource<Exception> broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Serves one.</summary>
    /// <returns>The path of its socket.</returns>
    public string Add(NbdExport export)
    {
        var path = Path.Combine(folder.FullName, $"{sockets.Count}");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        sockets.Add(socket);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        sessions.Add(ServeAsync(socket, export));
        return path;
    }

    /// <summary>Waits until what the program asked for last has been done; it has ended.</summary>
    public async Task EndAsync()
    {
        sockets.ForEach(socket => socket.Dispose());
        await Task.WhenAll(sessions);
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        sockets.ForEach(socket => socket.Dispose());
        await Task.WhenAll(sessions).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
        try
        {
            folder.Delete(recursive: true);
        }
        catch (IOException)
        {
            // What is empty harms nobody.
        }
    }

    /// <summary>One connection after the other: to make an image qemu-img opens it twice.</summary>
    private async Task ServeAsync(Socket listening, NbdExport export)
    {
        try
        {
            while (true)
            {
                using var client = await listening.AcceptAsync(ending.Token);
                await using var stream = new NetworkStream(client, ownsSocket: false);
                await new NbdSession(stream, export).RunAsync(ending.Token);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The program has ended.
        }
        catch (Exception fault)
        {
            broken.TrySetResult(fault);
            throw;
        }
    }
}
