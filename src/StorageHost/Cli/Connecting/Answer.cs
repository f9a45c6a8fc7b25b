using System.Text;
using System.Text.Json;

namespace StorageHost.Cli.Connecting;

/// <summary>What a server answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body, as it came.</param>
/// <param name="From">Which server it was.</param>
internal sealed record Answer(int Status, byte[] Body, ServerConnection From)
{
    private JsonElement? json;

    public bool IsOk => Status is >= 200 and < 300;

    /// <summary>The body as JSON.</summary>
    public JsonElement Json => json ??= Parse();

    /// <summary>The code of an error; empty when there is none.</summary>
    public string Code => Text("code");

    /// <summary>The message of an error; empty when there is none.</summary>
    public string Message => Text("message");

    /// <summary>What the refusal is told as.</summary>
    public ClientException Refusal(bool isRead)
    {
        var told = new StringBuilder(Message.Length > 0 ? Message : $"{From.Address} answered {Status}");
        if (Code.Length > 0)
        {
            told.Append($" ({Code}");
            if (Text("trace_id") is { Length: > 0 } trace)
            {
                told.Append($", trace {trace}");
            }

            told.Append(')');
        }

        return new ClientException(ClientExit.OfStatus(Status, Message, isRead), told.ToString());
    }

    private string Text(string member)
    {
        try
        {
            return Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(member, out var value)
                && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        }
        catch (ClientException)
        {
            return "";
        }
    }

    private JsonElement Parse()
    {
        try
        {
            using var document = JsonDocument.Parse(Body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new ClientException(ClientExit.Internal, $"the answer of {From.Address} is not JSON: is that a storagehost?");
        }
    }
}
