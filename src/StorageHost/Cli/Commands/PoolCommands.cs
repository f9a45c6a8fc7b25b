using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Jobs;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Commands;

/// <summary><c>storagehost pool</c>.</summary>
internal static class PoolCommands
{
    private const int Most = 1_000_000;

    private static readonly Argument<string> Image = Building.Word("IMAGE", "the template", LiveNames.Images);
    private static readonly Argument<string> Level = Building.Word("LEVEL", "how many ready copies to keep");
    private static readonly Option<string> Min = Building.Value("--min", "COPIES", "how many there are at least (1)");
    private static readonly Option<string> Max = Building.Value("--max", "COPIES", "how many there are at most (8)");

    private static readonly Column[] Columns =
    [
        new("IMAGE", "image"), new("WANTED", "wanted"), new("READY", "ready"), new("COPYING", "copying"), new("WAITING", "waiting"),
        new("HITS", "hits"), new("MISSES", "misses"), new("REFILLED", "last_refill", ColumnKind.Time, IsWide: true),
        new("JOB", "job"), new("PROBLEM", "problem"), new("SINCE", "problem_since", ColumnKind.Time, IsWide: true),
    ];

    public static Command Build() => new("pool")
    {
        Building.Verb("list", "all pools", session => session.ListAsync("/pools", "pools", Columns)),
        Building.Verb(
            "set", "sets how many ready copies a template keeps; 0 empties its pool", SetAsync, Image, Level, JobWait.Wait, Change.DryRun),
        Building.Verb("auto", "lets the level follow demand", AutoAsync, Image, Min, Max, Change.DryRun),
    };

    private static async Task<int> SetAsync(Session session)
    {
        var levels = new JsonObject { [session[Image]] = GlobalOptions.Number("LEVEL", session[Level], 0, Most) };
        var request = ClientRequest.Send(HttpMethod.Post, "/", ("action", "dup"), ("duplicateinfo", levels));
        if (await Change.IsDryAsync(session, request, PathOf(session)))
        {
            return ClientExit.Ok;
        }

        var answer = await session.SendAsync(request);
        var pools = Session.Rows(answer, "pools");
        if (session[JobWait.Wait] && pools is [var pool] && Job(pool) is { } id
            && await JobWait.FollowAsync(new JobFollower(session), id) is var code)
        {
            answer = await session.GetAsync(PathOf(session));
            session.Printer.Show(answer.Body, [answer.Json], Columns);
            return code;
        }

        session.Printer.Show(answer.Body, pools, Columns);
        return ClientExit.Ok;
    }

    private static async Task<int> AutoAsync(Session session)
    {
        var (min, max) = (session.Number(Min, 0, Most) ?? 1, session.Number(Max, 1, Most) ?? 8);
        var request = ClientRequest.Send(HttpMethod.Put, PathOf(session), ("auto", ClientRequest.Json(("min", min), ("max", max))));
        return await Change.IsDryAsync(session, request, PathOf(session)) ? ClientExit.Ok : await session.DoAsync(request, Columns);
    }

    private static string PathOf(Session session) => $"/pools/{Building.Escape(session[Image])}";

    private static string? Job(JsonElement pool) =>
        pool.TryGetProperty("job", out var job) && job.ValueKind == JsonValueKind.String ? job.GetString() : null;
}
