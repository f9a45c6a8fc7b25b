using StorageHost.IntegrationTests.Fixtures;

namespace StorageHost.Benchmarks.Storage;

/// <summary>Clients that read <c>/events</c> and do nothing with it.</summary>
internal sealed class EventReaders : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly int[] told;

    public EventReaders(Uri daemon, int count)
    {
        told = new int[count];
        for (var reader = 0; reader < count; reader++)
        {
            _ = ReadAsync(new Uri(daemon, "/events"), reader);
        }
    }

    /// <summary>Waits until each of them was told of so many pools.</summary>
    public Task AreToldAsync(int pools) => Wait.UntilAsync(
        $"every reader to be told of {pools} pools", () => Task.FromResult(Array.TrueForAll(told, count => count >= pools)), seconds: 60);

    public void Dispose()
    {
        stop.Cancel();
        stop.Dispose();
        http.Dispose();
    }

    private async Task ReadAsync(Uri events, int reader)
    {
        try
        {
            using var lines = new StreamReader(await http.GetStreamAsync(events, stop.Token));
            while (await lines.ReadLineAsync(stop.Token) is { } line)
            {
                if (line == "event: pool")
                {
                    told[reader]++;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It has read enough.
        }
    }
}
