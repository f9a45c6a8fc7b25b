using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using CliWrap;

namespace StorageHost.Processes;

/// <summary>One tool host, from its start to its end, and the runs that it has been asked for.</summary>
internal sealed class ToolSession : IDisposable
{
    // Callers are few, and none waits without a limit.
    private readonly Channel<ToolRequest> requests = Channel.CreateUnbounded<ToolRequest>();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<ToolAnswer?>> waiting = new();
    private readonly CancellationTokenSource kill = new();
    private long lastId;

    /// <summary>Starts it; returns after its exec.</summary>
    /// <param name="complain">Takes what it writes to standard error.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">It could not be started.</exception>
    public ToolSession(Action<string> complain)
    {
        var running = ToolHostCommand.Make()
            .WithStandardInputPipe(PipeSource.Create(WriteAsync))
            .WithStandardOutputPipe(PipeTarget.Create(ReadAsync))
            .WithStandardErrorPipe(PipeTarget.ToDelegate(complain))
            .ExecuteAsync(kill.Token);
        ProcessId = running.ProcessId;
        Ended = FollowAsync(running);
    }

    public int ProcessId { get; }

    /// <summary>Completes when it has ended, whatever ended it.</summary>
    public Task Ended { get; }

    /// <summary>Has a program run there.</summary>
    /// <param name="command">The program.</param>
    /// <param name="limit">A tool host that has not answered by then is stuck, and is killed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Has the program stopped; the answer says when it has been.</param>
    /// <returns>Null when the tool host ended, and the program with it.</returns>
    public async Task<ToolAnswer?> RunAsync(ProcessCommand command, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref lastId);
        var answer = waiting[id] = new TaskCompletionSource<ToolAnswer?>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            if (!requests.Writer.TryWrite(new ToolRequest(id, command)))
            {
                return null;
            }

            await using var stop = cancellationToken.Register(() => requests.Writer.TryWrite(new ToolRequest(id, Command: null)));
            return await answer.Task.WaitAsync(limit, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            await kill.CancelAsync();
            return null;
        }
        finally
        {
            waiting.TryRemove(id, out _);
        }
    }

    /// <summary>Has it end by itself: its input ends.</summary>
    public void Close() => requests.Writer.TryComplete();

    /// <summary>Ends it if it still runs.</summary>
    public void Dispose()
    {
        kill.Cancel();
        kill.Dispose();
    }

    private async Task FollowAsync(Task running)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Close();
        foreach (var (_, answer) in waiting)
        {
            answer.TrySetResult(null);
        }
    }

    private async Task WriteAsync(Stream stream, CancellationToken cancellationToken)
    {
        await foreach (var request in requests.Reader.ReadAllAsync(cancellationToken))
        {
            await ToolMessages.WriteAsync(stream, request, cancellationToken);
        }
    }

    private async Task ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var answers = new StreamReader(stream);
        try
        {
            while (await answers.ReadLineAsync(cancellationToken) is { } line)
            {
                var answer = ToolMessages.ReadAnswer(line);
                if (waiting.TryGetValue(answer.Id, out var caller))
                {
                    caller.TrySetResult(answer);
                }
            }
        }
        catch (JsonException)
        {
            // What speaks there is not a tool host, or one that is out of its mind.
            await kill.CancelAsync();
        }
    }
}
