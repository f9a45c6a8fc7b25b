using System.CommandLine;
using System.Text.Json;
using StorageHost.Cli.Connecting;

namespace StorageHost.Cli.Jobs;

/// <summary>What the commands have in common whose answer is a job, or names one.</summary>
internal static class JobWait
{
    public static readonly Option<bool> Wait = new("--wait", "-w") { Description = "follow the job, and end with its outcome" };

    /// <summary>Sends a request that is answered with a job; shows the job, or follows it.</summary>
    public static async Task<int> RunAsync(Session session, ClientRequest request)
    {
        var answer = await session.SendAsync(request);
        return await EndAsync(session, answer, answer.Json);
    }

    /// <summary>Shows a job, or follows it where that is wanted, and then shows it.</summary>
    public static async Task<int> EndAsync(Session session, Answer answer, JsonElement job)
    {
        if (!session[Wait] || JobFollower.IdOf(job) is not { } id)
        {
            session.Printer.Show(answer.Body, [job], JobColumns.All);
            return ClientExit.Ok;
        }

        var follower = new JobFollower(session);
        var code = await FollowAsync(follower, id);
        if (follower.Last is { } last)
        {
            session.Printer.Show(last.Body, [last.Json], JobColumns.All);
        }

        return code;
    }

    /// <summary>Follows a job. A job is forgotten when its daemon ends, and with it what became of it.</summary>
    public static async Task<int> FollowAsync(JobFollower follower, string id)
    {
        try
        {
            return await follower.FollowAsync(id);
        }
        catch (ClientException lost) when (lost.Code is ClientExit.NotFound or ClientExit.Unavailable)
        {
            throw new ClientException(ClientExit.OutcomeUnknown, $"the job {id} is lost: {lost.Message}; what became of it is unknown");
        }
    }
}
