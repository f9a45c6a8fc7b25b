using System.CommandLine;
using StorageHost.Cli.Completing;
using StorageHost.Cli.Jobs;

namespace StorageHost.Cli.Commands;

/// <summary><c>storagehost job</c>.</summary>
internal static class JobCommands
{
    private static readonly Argument<string> Id = Building.Word("ID", "the job", LiveNames.Jobs);

    public static Command Build() => new("job")
    {
        Building.Verb(
            "list", "the jobs of the server that answers, newest first", session => session.ListAsync("/jobs", "jobs", JobColumns.All)),
        Building.Verb("watch", "follows a job until it is over, and ends with its outcome", WatchAsync, Id),
        Building.Verb("cancel", "cancels a job; a fill job takes its pool's level with it", CancelAsync, Id, Change.DryRun),
    };

    private static async Task<int> WatchAsync(Session session)
    {
        var follower = new JobFollower(session);
        var code = await follower.FollowAsync(session[Id]);
        if (follower.Last is { } last)
        {
            session.Printer.Show(last.Body, [last.Json], JobColumns.All);
        }

        return code;
    }

    private static async Task<int> CancelAsync(Session session)
    {
        var request = JobFollower.Cancel(session[Id]);
        return await Change.IsDryAsync(session, request, request.Path) ? ClientExit.Ok : await session.DoAsync(request, JobColumns.All);
    }
}
