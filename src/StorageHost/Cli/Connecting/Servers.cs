using System.Net.Sockets;

namespace StorageHost.Cli.Connecting;

/// <summary>
/// The servers of one farm. A request goes to the one that answered last. The next one is tried when a server cannot be reached; and, for
/// requests that may be repeated, when it does not answer or cannot serve.
/// </summary>
internal sealed class Servers(Target target, TimeSpan? timeout) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ServerConnection?[] connections = new ServerConnection?[target.Servers.Count];
    private int current;

    /// <summary>Sends a request, and gives what a server answers to it.</summary>
    /// <exception cref="ClientException">It was refused, nobody answers, or the outcome is unknown.</exception>
    public async Task<Answer> SendAsync(ClientRequest request, CancellationToken cancellationToken = default)
    {
        var answer = await AskAsync(request, cancellationToken);
        return answer.IsOk || (request.TellsHealth && answer.Status == 503) ? answer : throw answer.Refusal(request.IsRead);
    }

    /// <summary>The same, with refusals as answers.</summary>
    public async Task<Answer> AskAsync(ClientRequest request, CancellationToken cancellationToken = default)
    {
        // A named request whose outcome is unknown is sent once more to each: its server may be starting again.
        var rounds = request.Key is null ? 1 : 2;
        var attempt = new Attempt(request);
        for (var turn = 0; turn < rounds * connections.Length; turn++)
        {
            if (turn == connections.Length)
            {
                if (!attempt.IsUnknown)
                {
                    break;
                }

                await Task.Delay(Pause, cancellationToken);
            }

            if (Try(attempt, cancellationToken) is { } answer)
            {
                return answer;
            }

            current = (current + 1) % connections.Length;
        }

        return attempt.End(target.Servers);
    }

    /// <summary>Takes the next server for what comes.</summary>
    public void GoOn() => current = (current + 1) % connections.Length;

    /// <summary>The server that answered last, or is tried next.</summary>
    public ServerConnection Current => connections[current] ??= new ServerConnection(target.Servers[current], target.Credentials);

    public void Dispose()
    {
        foreach (var connection in connections)
        {
            connection?.Dispose();
        }
    }

    /// <summary>Null when the next server is to be tried.</summary>
    private Answer? Try(Attempt attempt, CancellationToken cancellationToken)
    {
        var request = attempt.Request;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout ?? request.Timeout);
        try
        {
            var answer = Current.Send(request, limit.Token);
            return attempt.Takes(answer) ? answer : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            attempt.Lost(Current.Address, $"no answer within {(timeout ?? request.Timeout).TotalSeconds:0} s");
        }
        catch (HttpRequestException fault) when (fault.HttpRequestError
            is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            attempt.NotReached(Current.Address, fault);
        }
        catch (SocketException fault)
        {
            attempt.NotReached(Current.Address, fault);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException)
        {
            attempt.Lost(Current.Address, "the connection broke off");
        }

        return null;
    }
}
