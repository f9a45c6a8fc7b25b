using System.CommandLine;
using System.Net.ServerSentEvents;
using System.Text.Json;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Jobs;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Commands;

/// <summary>
/// <c>storagehost events</c>: a line for each change, until it is interrupted. After a break it goes on, on another server too.
/// </summary>
internal static class EventsCommand
{
    /// <summary>A heartbeat comes every 15 s.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly Option<string> Type = Building.Value("--type", "TYPES", "only these: job, pool, volume, with commas between");

    public static Command Build() => Building.Verb("events", "what changes, as it changes", RunAsync, Type);

    private static async Task<int> RunAsync(Session session)
    {
        if (session.Printer.Format == OutputFormat.Csv)
        {
            throw new ClientException(ClientExit.Usage, "events have no common columns: -o csv is not for them");
        }

        var types = session[Type]?.Split(',', StringSplitOptions.TrimEntries);
        while (true)
        {
            // Whether anybody is there, and may be asked, is found out by a request with an end.
            var at = (await session.GetAsync("/imagestorages")).From;
            try
            {
                await ReadAsync(session, at, types);
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException
                || (fault is OperationCanceledException && !session.CancellationToken.IsCancellationRequested))
            {
                session.Servers.GoOn();
            }

            Printer.Say($"{at.Address} no longer tells what changes; connecting again");
            await Task.Delay(Pause, session.CancellationToken);
        }
    }

    private static async Task ReadAsync(Session session, ServerConnection at, string[]? types)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(session.CancellationToken);
        silence.CancelAfter(Silence);
        using var response = await at.OpenAsync("/events", silence.Token);
        if (!response.IsSuccessStatusCode)
        {
            var body = await response.Content.ReadAsByteArrayAsync(silence.Token);
            throw new Answer((int)response.StatusCode, body, at).Refusal(isRead: true);
        }

        await using var stream = await response.Content.ReadAsStreamAsync(silence.Token);
        await foreach (var change in SseParser.Create(stream).EnumerateAsync(silence.Token))
        {
            silence.CancelAfter(Silence);
            if (change.EventType != "heartbeat" && types?.Contains(change.EventType, StringComparer.Ordinal) is not false)
            {
                Printer.Write(session.Printer.Format == OutputFormat.Json
                    ? $"{{\"event\":\"{change.EventType}\",\"data\":{change.Data}}}\n"
                    : $"{change.EventType,-7} {Column.Safe(Describe(change.EventType, change.Data))}\n");
            }
        }
    }

    internal static string Describe(string type, string data)
    {
        using var document = JsonDocument.Parse(data);
        var change = document.RootElement;
        return type switch
        {
            "job" => $"{Text(change, "id")}  {JobFollower.ProgressOf(change).Text}{Note(change, "error")}",
            "pool" => $"{Text(change, "image")}  {Text(change, "ready")} of {Text(change, "wanted")} ready, "
                + $"{Text(change, "copying")} copying{Note(change, "problem")}",
            "volume" => $"{Text(change, "volume_id")}  {Text(change, "status")}{Note(change, "status_msg")}",
            _ => data,
        };
    }

    private static string Note(JsonElement change, string member) => Text(change, member) is { Length: > 0 } text ? $"  {text}" : "";

    private static string Text(JsonElement change, string member) =>
        !change.TryGetProperty(member, out var value) || value.ValueKind == JsonValueKind.Null ? ""
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : value.GetRawText();
}
