using System.Collections.Concurrent;
using System.Text.Json;

namespace StorageHost.IntegrationTests.Fixtures;

/// <summary>Reads <c>/events</c> of a daemon in the background.</summary>
internal sealed class EventReader : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Type, JsonElement Data)> events = new();
    private readonly CancellationTokenSource stop = new();
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
    private readonly Task reading;

    public EventReader(Client client) => reading = ReadAsync(new Uri(client.Address, "/events"));

    /// <summary>The states of a volume so far, the first one first.</summary>
    public IReadOnlyList<(string Status, string Message)> OfVolume(string id) =>
    [
        .. events.Where(read => read.Type == "volume" && read.Data.Text("volume_id") == id).Select(read => (read.Data.Text("status"), read.Data.Text("status_msg"))),
    ];

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await reading;
        http.Dispose();
        stop.Dispose();
    }

    private async Task ReadAsync(Uri address)
    {
        try
        {
            using var lines = new StreamReader(await http.GetStreamAsync(address, stop.Token));
            var type = "";
            while (await lines.ReadLineAsync(stop.Token) is { } line)
            {
                if (line.StartsWith("event: ", StringComparison.Ordinal))
                {
                    type = line["event: ".Length..];
                }
                else if (line.StartsWith("data: {", StringComparison.Ordinal))
                {
                    events.Enqueue((type, JsonElement.Parse(line["data: ".Length..])));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
