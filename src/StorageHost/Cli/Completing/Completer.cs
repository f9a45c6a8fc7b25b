using System.CommandLine;
using System.Text;
using System.Text.Json;
using StorageHost.Cli.Commands;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Completing;

/// <summary>
/// Completes words for a shell. Names come from the server that the line speaks to; without one there are none, and no message.
/// </summary>
internal static class Completer
{
    /// <summary>The word by which the scripts of the shells ask.</summary>
    public const string Word = "__complete";

    /// <summary>Somebody waits at a prompt.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Writes what the last word can become, a line each.</summary>
    /// <param name="words">The line so far, without the program; the last may be empty.</param>
    public static int Run(IReadOnlyList<string> words)
    {
        var last = words is [.., var word] ? word : "";
        var text = string.Join(' ', words);
        var lines = new StringBuilder();
        foreach (var completion in CommandTree.ParseText(text).GetCompletions(text.Length))
        {
            if (completion.Label.StartsWith(last, StringComparison.Ordinal) && completion.Label.StartsWith('-') == last.StartsWith('-'))
            {
                lines.Append(completion.Label).Append('\n');
            }
        }

        Printer.Write(lines.ToString());
        return ClientExit.Ok;
    }

    /// <summary>The names of a kind.</summary>
    public static IEnumerable<string> Names(ParseResult parsed, LiveNames kind)
    {
        try
        {
            using var servers = GlobalOptions.ServersOf(parsed);
            using var session = new Session(parsed, servers, new Printer(OutputFormat.Table), CancellationToken.None);
            return NamesAsync(session, kind).WaitAsync(Limit).GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is ClientException or TimeoutException or OperationCanceledException)
        {
            return [];
        }
    }

    private static async Task<IReadOnlyList<string>> NamesAsync(Session session, LiveNames kind)
    {
        switch (kind)
        {
            case LiveNames.Images:
                return Texts(Session.Rows(await session.GetAsync("/templates"), "templates"), "image");
            case LiveNames.Jobs:
                return Texts(Session.Rows(await session.GetAsync("/jobs"), "jobs"), "id");
            case LiveNames.Volumes:
                return Texts(VolumeCommands.Volumes(await VolumeCommands.StorageAsync(session)), "volume_id");
            default:
                var images = VolumeCommands.Volumes(await VolumeCommands.StorageAsync(session))
                    .SelectMany(volume => volume.GetProperty("images").EnumerateArray())
                    .Where(image => Text(image, "guest_id").Length > 0);
                return [.. images.Select(image => NameOf(image, kind)).Distinct(StringComparer.Ordinal)];
        }
    }

    // A system disk bears the host's name as its own; a data disk that of its file.
    private static string NameOf(JsonElement image, LiveNames kind) =>
        Text(image, "guest_id") is var host && (kind == LiveNames.Hosts || Text(image, "image_id") is not { } file) ? host
        : file == host ? $"{file}.qcow2"
        : file;

    private static IReadOnlyList<string> Texts(IEnumerable<JsonElement> rows, string member) => [.. rows.Select(row => Text(row, member))];

    private static string Text(JsonElement row, string member) => row.TryGetProperty(member, out var value) ? value.GetString() ?? "" : "";
}
