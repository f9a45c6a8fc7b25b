using System.Text.Json.Nodes;

namespace StorageHost.Cli.Connecting;

/// <summary>A request of the client.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">Path and query.</param>
/// <param name="Body">What is sent as JSON; null for nothing.</param>
internal sealed record ClientRequest(HttpMethod Method, string Path, string? Body = null)
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);

    /// <summary>The name by which a repeated request has the outcome of the first; null for none.</summary>
    public string? Key { get; init; }

    /// <summary>Whether the answer is to come at once, as a job.</summary>
    public bool IsAsync { get; init; }

    /// <summary>How long one server may take.</summary>
    public TimeSpan Timeout { get; init; } = Usual;

    /// <summary>Whether another server may know what one does not: jobs are known where they run.</summary>
    public bool IsOfOneNode { get; init; }

    /// <summary>Whether 503 is an answer too, and not a refusal.</summary>
    public bool TellsHealth { get; init; }

    /// <summary>Whether nothing is changed.</summary>
    public bool IsRead => Method == HttpMethod.Get;

    /// <summary>Whether it may be sent again although it may have taken effect.</summary>
    public bool IsRepeatable => IsRead || Key is not null;

    public static ClientRequest Get(string path) => new(HttpMethod.Get, path);

    /// <summary>One with a body of these members; those that are null are left out.</summary>
    public static ClientRequest Send(HttpMethod method, string path, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        new(method, path, Json(members).ToJsonString());

    /// <summary>An object of these members; those that are null are left out.</summary>
    public static JsonObject Json(params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        var json = new JsonObject();
        foreach (var (name, value) in members)
        {
            if (value is not null)
            {
                json[name] = value;
            }
        }

        return json;
    }
}
