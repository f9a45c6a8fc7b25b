using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>
/// Any system call on the storage, of each verb, fails: once, once after it was made, or from then on. The fast part takes a sample of
/// calls, errors and kinds; the long part as much more as it is scaled.
/// </summary>
[Collection(LabTests.Name)]
public sealed class ErrorTests(Lab lab, ITestOutputHelper output)
{
    private const int CallsFromThenOn = 4;

    // It looks at the storage often, to put right soon what is wrong, gives up soon, and logs each refusal.
    private static readonly string[] Settings =
    [
        "--Storage:RescanInterval", "00:00:00.3", "--Storage:IndexInterval", "01:00:00",
        "--Storage:OperationTimeout", "00:00:03", "--Storage:TransferTimeout", "00:00:06", "--Qemu:Timeout", "00:00:10",
        "--Serilog:MinimumLevel:Override:StorageHost.Api.Errors.ErrorHandler", "Debug",
    ];

    public static TheoryData<string> Operations => [.. Operation.All.Select(operation => operation.Name)];

    private enum Kind
    {
        Once,
        OnceButMade,
        FromThenOn,
    }

    private sealed record Fault(int Point, Error Error, Kind Kind);

    [DaemonTheory, MemberData(nameof(Operations))]
    public async Task Storage_that_fails_is_never_a_false_success_and_never_absence(string name)
    {
        var random = TortureSettings.Begin(output, name);
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync(Operation.Image, await lab.Masters.SmallAsync());
        var operation = Operation.Named(name);
        var daemon = await area.StartAsync(Settings);

        // The first time it does more than ever after.
        await Attempt.RecordAsync(daemon, operation, StageOf(area, daemon, -1), afterLook: true);
        var calls = await Attempt.RecordAsync(daemon, operation, StageOf(area, daemon, 0), afterLook: true);
        var faults = (from point in Enumerable.Range(1, calls.Count) from error in Error.All from kind in Enum.GetValues<Kind>() select new Fault(point, error, kind)).ToArray();

        // Those that change something first, most of the time.
        var sample = faults.OrderBy(fault => random.NextDouble() * (calls[fault.Point - 1].Changes ? 1 : 3)).Take(TortureSettings.Count(4, 400));
        foreach (var (fault, number) in sample.Select((fault, number) => (fault, number + 1)))
        {
            await FailAsync(daemon, operation, StageOf(area, daemon, number), fault);
        }
    }

    /// <summary>Racing nodes get such errors from a healthy volume; whoever asked should not.</summary>
    [DaemonTheory]
    [InlineData("a hit")]
    [InlineData("a purge")]
    [InlineData("an image's end")]
    public async Task What_passes_within_a_moment_is_tried_again(string name)
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync(Operation.Image, await lab.Masters.SmallAsync());
        var operation = Operation.Named(name);
        var daemon = await area.StartAsync(Settings);
        for (var (number, isOver) = (1, false); !isOver; number++)
        {
            var stage = StageOf(area, daemon, number);
            await operation.PrepareAsync(stage);
            var (calls, error) = (0, Error.Named(number % 2 == 0 ? "ENOTCONN" : "ESTALE"));
            var struck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var attempt = await Attempt.MakeAsync(daemon, operation, stage, (call, _) =>
            {
                var fails = call.Name is "statx" or "openat" or "linkat" or "renameat" or "unlinkat" && ++calls == number;
                output.WriteLine(fails ? $"{error} at {call}" : $"{call}");
                if (!fails)
                {
                    return Task.FromResult(Verdict.Pass);
                }

                struck.SetResult();
                return Task.FromResult(Verdict.Fail(error.Number));
            }, struck.Task, afterLook: true);
            attempt.Answer!.Is(200);
            operation.Note(stage, Outcome.Acknowledged);
            isOver = !attempt.IsStruck;
        }

        await area.Oracle.CheckAsync();
    }

    private static Stage StageOf(StorageArea area, Daemon daemon, int number) => new(area, daemon.Client, string.Create(CultureInfo.InvariantCulture, $"web{number + 2}"));

    private async Task FailAsync(Daemon daemon, Operation operation, Stage stage, Fault fault)
    {
        await operation.PrepareAsync(stage);
        var logged = daemon.Output.Length;
        var syncs = new FailedSyncs();
        SystemCall? failed = null;
        var injected = 0;
        var struck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var attempt = await Attempt.MakeAsync(daemon, operation, stage, (call, number) =>
        {
            var fails = fault.Kind == Kind.FromThenOn ? number >= fault.Point : number == fault.Point;
            syncs.Note(call, fails);
            if (!fails)
            {
                return Task.FromResult(Verdict.Pass);
            }

            failed ??= call;
            if (++injected == (fault.Kind == Kind.FromThenOn ? CallsFromThenOn : 1))
            {
                struck.SetResult();
            }

            // What was opened all the same would never be closed.
            return Task.FromResult(fault.Kind == Kind.OnceButMade && call.Name != "openat" ? Verdict.MakeAndFail(fault.Error.Number) : Verdict.Fail(fault.Error.Number));
        }, struck.Task, afterLook: true);

        var answer = attempt.Answer ?? throw new InvalidOperationException($"No answer after {fault} at {failed}");
        output.WriteLine($"{operation}: {fault.Error} {fault.Kind} at {fault.Point}, {failed}: {answer.Status}");
        if (answer.Status != 200)
        {
            // Lines are written behind the answer.
            await Wait.UntilAsync(
                $"the log to tell of {answer}",
                () => Task.FromResult(daemon.Output[logged..].Contains($"Refused with {answer.Code}", StringComparison.Ordinal)));
            CheckRefusal(answer, fault, daemon.Output[logged..]);
        }

        // Failing once, it has said the truth, also where it says that it does not know; failing on, it may not have been able to undo what it did.
        var isRefused = fault.Kind == Kind.Once && !answer.Text.Contains("whether the request took effect is unknown", StringComparison.Ordinal);
        operation.Note(stage, answer.Status == 200 ? Outcome.Acknowledged : isRefused ? Outcome.Refused : Outcome.Unknown);
        await daemon.ReadyAsync(seconds: 10);
        await Operation.SettledAsync(stage, seconds: 40);
        await stage.Oracle.CheckAsync();
        Assert.Empty(syncs.Faults(await FoundFile.ListAsync(stage.Area.Seen())));
    }

    private static void CheckRefusal(Answer answer, Fault fault, string log)
    {
        if (fault is { Error.Name: "EINTR", Kind: Kind.FromThenOn } && answer.Status == 504)
        {
            answer.Refuses(504, "storage_timeout"); // what is interrupted is tried again, until it is too late
            return;
        }

        if (log.Contains("The session with the volume ended", StringComparison.Ordinal) && answer.Status == 503)
        {
            answer.Refuses(503, "storage_unavailable"); // on a busy machine a look came first, and the request lost its private files with the session
            return;
        }

        answer.Refuses(fault.Error.Status, fault.Error.Code);
        Assert.True(log.Contains(fault.Error.Name, StringComparison.Ordinal), $"{fault.Error} is not in the log:\n{log}");
    }
}
