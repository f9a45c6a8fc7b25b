using System.CommandLine;
using System.Text;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Commands;

/// <summary><c>storagehost status</c>: the overview. The exit code says how it is.</summary>
internal static class StatusCommand
{
    private static readonly Column[] Columns =
        [new("WHAT", "what"), new("NAME", "name"), new("STATUS", "status"), new("MESSAGE", "message")];

    public static Command Build() => Building.Verb("status", "how everything is", RunAsync);

    private static async Task<int> RunAsync(Session session)
    {
        var ready = await session.SendAsync(ClientRequest.Get("/readyz") with { TellsHealth = true });
        var storage = await VolumeCommands.StorageAsync(session);
        var pools = await session.GetAsync("/pools");
        var jobs = await session.GetAsync("/jobs");
        var health = new Health();
        health.AddChecks(ready.Json);
        health.AddVolumes(VolumeCommands.Volumes(storage));
        health.AddPools(Session.Rows(pools, "pools"));
        health.AddJobs(Session.Rows(jobs, "jobs"));

        var body = $$"""{"readyz":{{Text(ready)}},"imagestorage":{{Text(storage)}},"pools":{{Text(pools)}},"jobs":{{Text(jobs)}}}""";
        session.Printer.Show(Encoding.UTF8.GetBytes(body), health.Rows, Columns);
        return health.Code;
    }

    private static string Text(Answer answer) => answer.Json.GetRawText();
}
