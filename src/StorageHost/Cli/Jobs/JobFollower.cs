using System.Text.Json;
using StorageHost.Cli.Connecting;
using StorageHost.Cli.Output;

namespace StorageHost.Cli.Jobs;

/// <summary>Follows a job on the server that runs it, until it is over.</summary>
/// <param name="session">The run.</param>
internal sealed class JobFollower(Session session)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);

    private Answer? last;

    /// <summary>The latest state of the job; null when the job is lost, as its daemon has ended.</summary>
    public Answer? Last => last;

    /// <summary>Follows it, and gives the exit code of its outcome.</summary>
    /// <param name="id">The job.</param>
    public async Task<int> FollowAsync(string id)
    {
        using var interrupts = new Interrupts();
        try
        {
            var code = await Bar.RunAsync($"job {id}", tell => PollAsync(id, tell, interrupts.First));
            if (code == ClientExit.Failed && last is { } failed)
            {
                Printer.Say($"the job failed: {Member(failed.Json, "error")}");
            }

            return code;
        }
        catch (OperationCanceledException) when (interrupts.First.IsCancellationRequested)
        {
            Printer.Say($"the job goes on; `storagehost job watch {id}` shows it. Ctrl-C once more, now, cancels it");
            if (!await interrupts.IsTwiceAsync())
            {
                return ClientExit.Interrupted;
            }

            last = await session.SendAsync(Cancel(id));
            Printer.Say("the job is cancelled");
            return ClientExit.Cancelled;
        }
    }

    /// <summary>The request that cancels a job.</summary>
    public static ClientRequest Cancel(string id) => new(HttpMethod.Delete, PathOf(id)) { IsOfOneNode = true };

    /// <summary>The id of the job that an answer holds; null when there is none.</summary>
    public static string? IdOf(JsonElement answer) => Member(answer, "id") is { Length: > 0 } id ? id : null;

    private static string PathOf(string id) => $"/jobs/{Uri.EscapeDataString(id)}";

    private async Task<int> PollAsync(string id, Action<Progress> tell, CancellationToken cancellationToken)
    {
        while (true)
        {
            last = null;
            last = await session.Servers.SendAsync(ClientRequest.Get(PathOf(id)) with { IsOfOneNode = true }, cancellationToken);
            var job = last.Json;
            tell(ProgressOf(job));
            switch (Member(job, "state"))
            {
                case "succeeded":
                    return ClientExit.Ok;
                case "failed":
                    return ClientExit.Failed;
                case "cancelled":
                    return ClientExit.Cancelled;
                default:
                    await Task.Delay(Interval, cancellationToken);
                    break;
            }
        }
    }

    internal static Progress ProgressOf(JsonElement job)
    {
        var (done, total, rate) = (Number(job, "bytes_done"), Number(job, "bytes_total"), Number(job, "bytes_per_second"));
        var state = Member(job, "state");
        var what = $"{Member(job, "kind")} {Member(job, "image")} {Member(job, "hostname")}".TrimEnd();
        return state == "succeeded"
            ? new Progress(1, 1, $"{what}  {state}")
            : new Progress(done, total, $"{what}  {state}" + (total == 0 ? ""
                : $"  {Bar.Describe(done, total, state == "running" ? rate : 0)}"));
    }

    private static string Member(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";

    private static long Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            ? number : 0;
}
