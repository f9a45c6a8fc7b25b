using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>An operation that was done under the eyes of a judge.</summary>
/// <param name="Answer">What the daemon said; null when it did not.</param>
/// <param name="IsStruck">Whether the judge struck before everything was over.</param>
internal sealed record Attempt(Answer? Answer, bool IsStruck)
{
    /// <summary>Something of an operation may follow its answer; when no call was made for so long, nothing does.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(150);

    public Outcome Outcome => Answer?.Status switch { 200 => Outcome.Acknowledged, null or >= 500 => Outcome.Unknown, _ => Outcome.Refused };

    /// <summary>Does an operation, and lets go of the daemon when the judge has struck or nothing goes on any more.</summary>
    /// <param name="daemon">The daemon that does it.</param>
    /// <param name="operation">The operation, which is prepared.</param>
    /// <param name="stage">Where.</param>
    /// <param name="judge">Is shown each call on the storage from now on, with its number, the first being 1.</param>
    /// <param name="struck">Ends when the judge has done what it was to do.</param>
    /// <param name="afterLook">Whether to wait until the daemon has just looked at the directory, as it does at intervals.</param>
    public static async Task<Attempt> MakeAsync(
        Daemon daemon, Operation operation, Stage stage, Func<SystemCall, int, Task<Verdict>> judge, Task struck, bool afterLook = false)
    {
        var calls = 0;
        var looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var interceptor = await Interceptor.AttachAsync(daemon, stage.Area.Directory, call =>
        {
            if (!afterLook || looked.Task.IsCompleted)
            {
                return judge(call, ++calls);
            }

            if (call is { Name: "fstatfs", File: "." })
            {
                looked.SetResult(); // the last that a look does is to ask for the room
            }

            return Task.FromResult(Verdict.Pass);
        });
        await (afterLook ? looked.Task : Task.CompletedTask);
        var answer = await TryAsync(operation.ActAsync(stage));
        try
        {
            await Wait.UntilAsync($"{operation} to be over", async () => struck.IsCompleted || (await Operation.IsSettledAsync(stage) && await IsQuietAsync()));
        }
        catch (HttpRequestException) when (struck.IsCompleted)
        {
            // The daemon was struck dead while it was asked.
        }

        return new Attempt(answer, struck.IsCompleted);

        async Task<bool> IsQuietAsync()
        {
            var before = Volatile.Read(ref calls);
            await Task.WhenAny(struck, Task.Delay(Quiet));
            return Volatile.Read(ref calls) == before;
        }
    }

    /// <summary>The calls that an operation makes, in the order in which they are made.</summary>
    public static async Task<IReadOnlyList<SystemCall>> RecordAsync(Daemon daemon, Operation operation, Stage stage, bool afterLook = false)
    {
        var calls = new List<SystemCall>();
        await operation.PrepareAsync(stage);
        var attempt = await MakeAsync(daemon, operation, stage, (call, _) =>
        {
            calls.Add(call);
            return Task.FromResult(Verdict.Pass);
        }, struck: new TaskCompletionSource().Task, afterLook);
        operation.Note(stage, attempt.Outcome);
        return calls;
    }

    private static async Task<Answer?> TryAsync(Task<Answer> request)
    {
        try
        {
            return await request;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
