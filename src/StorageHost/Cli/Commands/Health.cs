using System.Text.Json;
using System.Text.Json.Nodes;

namespace StorageHost.Cli.Commands;

/// <summary>How everything is, from what the daemon tells: a line for each thing, and the worst of them.</summary>
internal sealed class Health
{
    private static readonly int[] FromBestToWorst = [ClientExit.Ok, ClientExit.Unknown, ClientExit.Degraded, ClientExit.Broken];

    private readonly List<JsonElement> rows = [];

    /// <summary>Each thing: what it is, its name, its status, and what is said of it.</summary>
    public IReadOnlyList<JsonElement> Rows => rows;

    /// <summary>The exit code of the worst of them.</summary>
    public int Code { get; private set; } = ClientExit.Ok;

    /// <summary>The checks of <c>/readyz</c>.</summary>
    public void AddChecks(JsonElement ready)
    {
        foreach (var check in ready.GetProperty("checks").EnumerateArray())
        {
            var state = Text(check, "state");
            Add("check", Text(check, "name"), state, Text(check, "message"), state switch
            {
                "ok" => ClientExit.Ok,
                "degraded" => ClientExit.Degraded,
                _ => ClientExit.Broken,
            });
        }
    }

    /// <summary>The volumes.</summary>
    public void AddVolumes(IEnumerable<JsonElement> volumes)
    {
        foreach (var volume in volumes)
        {
            var status = Text(volume, "status");
            Add("volume", Text(volume, "volume_id"), status, Text(volume, "status_msg"), status switch
            {
                "ok" => ClientExit.Ok,
                "degraded" => ClientExit.Degraded,
                "broken" => ClientExit.Broken,
                _ => ClientExit.Unknown,
            });
        }
    }

    /// <summary>The pools.</summary>
    public void AddPools(IEnumerable<JsonElement> pools)
    {
        foreach (var pool in pools)
        {
            var problem = Text(pool, "problem");
            var level = $"{pool.GetProperty("ready").GetRawText()} of {pool.GetProperty("wanted").GetRawText()} ready";
            var (status, message, code) = problem.Length > 0
                ? ("degraded", $"{level}; {problem}", ClientExit.Degraded)
                : ("ok", level, ClientExit.Ok);
            Add("pool", Text(pool, "image"), status, message, code);
        }
    }

    /// <summary>The jobs that are not over.</summary>
    public void AddJobs(IEnumerable<JsonElement> jobs)
    {
        foreach (var job in jobs.Where(job => Text(job, "state") is "queued" or "running"))
        {
            Add("job", Text(job, "id"), Text(job, "state"), $"{Text(job, "kind")} {Text(job, "image")}", ClientExit.Ok);
        }
    }

    private void Add(string what, string name, string status, string message, int code)
    {
        var json = new JsonObject { ["what"] = what, ["name"] = name, ["status"] = status, ["message"] = message };
        using var row = JsonDocument.Parse(json.ToJsonString());
        rows.Add(row.RootElement.Clone());
        Code = Array.IndexOf(FromBestToWorst, code) > Array.IndexOf(FromBestToWorst, Code) ? code : Code;
    }

    private static string Text(JsonElement json, string member) =>
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
