using System.Text.Json;
using System.Text.Json.Serialization;

namespace StorageHost.Processes;

/// <summary>What the daemon asks of its tool host: to run a program, or to stop one.</summary>
/// <param name="Id">Tells the run from others.</param>
/// <param name="Command">The program; null to stop the one with this id.</param>
internal sealed record ToolRequest(long Id, ProcessCommand? Command);

/// <summary>How a run ended.</summary>
internal enum ToolOutcome
{
    /// <summary>The program ended by itself.</summary>
    Ended,

    /// <summary>It was stopped, at its deadline or when the daemon asked for it.</summary>
    Stopped,

    /// <summary>It is not there, or may not be executed.</summary>
    NotStarted,
}

/// <summary>What the tool host answers, once for each run.</summary>
/// <param name="Id">That of the request.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="ExitCode">The exit code; 128 plus the signal's number when a signal ended it.</param>
/// <param name="Output">The beginning of standard output; null for nothing.</param>
/// <param name="Error">The beginning of standard error; null for nothing.</param>
/// <param name="Truncated">Whether there was more of either.</param>
/// <param name="LeftBehind">The process that could not be killed; 0 when there is none.</param>
internal sealed record ToolAnswer(
    long Id, ToolOutcome Outcome, int ExitCode = 0, byte[]? Output = null, byte[]? Error = null, bool Truncated = false,
    int LeftBehind = 0);

/// <summary>Messages as lines of JSON.</summary>
[JsonSerializable(typeof(ToolRequest))]
[JsonSerializable(typeof(ToolAnswer))]
internal sealed partial class ToolMessages : JsonSerializerContext
{
    private const byte EndOfLine = (byte)'\n';

    /// <summary>Writes a request.</summary>
    public static async Task WriteAsync(Stream stream, ToolRequest request, CancellationToken cancellationToken)
    {
        await JsonSerializer.SerializeAsync(stream, request, Default.ToolRequest, cancellationToken);
        stream.WriteByte(EndOfLine);
        await stream.FlushAsync(cancellationToken);
    }

    /// <summary>Writes an answer.</summary>
    public static void Write(Stream stream, ToolAnswer answer)
    {
        JsonSerializer.Serialize(stream, answer, Default.ToolAnswer);
        stream.WriteByte(EndOfLine);
        stream.Flush();
    }

    /// <summary>Reads a request.</summary>
    /// <exception cref="JsonException">The line is none.</exception>
    public static ToolRequest ReadRequest(string line) =>
        JsonSerializer.Deserialize(line, Default.ToolRequest) ?? throw new JsonException("null");

    /// <summary>Reads an answer.</summary>
    /// <exception cref="JsonException">The line is none.</exception>
    public static ToolAnswer ReadAnswer(string line) =>
        JsonSerializer.Deserialize(line, Default.ToolAnswer) ?? throw new JsonException("null");
}
