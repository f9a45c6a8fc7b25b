using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>kill -9, or SIGTERM, just before each system call on the storage, of each verb; then a new start.</summary>
[Collection(LabTests.Name)]
public sealed class KillTests(Lab lab, ITestOutputHelper output)
{
    // Nothing looks at the storage but what the verb sets going, so the nth call is the nth call of the verb.
    private static readonly string[] Calm = ["--Storage:RescanInterval", "01:00:00", "--Storage:IndexInterval", "01:00:00"];

    public static TheoryData<string> Operations => [.. Operation.All.Select(operation => operation.Name)];

    /// <summary>
    /// Each sixth call that changes something, beginning by chance; of calls in a row that do the same to the same file, the first. The long
    /// part: every call.
    /// </summary>
    [DaemonTheory, MemberData(nameof(Operations))]
    public async Task Killed_at_any_call_of_a_verb_a_daemon_loses_doubles_and_halves_nothing(string name)
    {
        await using var area = await StartedAsync(StorageKind.PlainXfs);
        var step = TortureSettings.IsLong ? 1 : 6;
        var point = TortureSettings.Begin(output, name).Next(1, step + 1);
        while (await IsKilledAsync(area, Operation.Named(name), point, TortureSettings.IsLong ? _ => true : new Turns().IsNew))
        {
            point += step;
        }

        Assert.True(point > step, $"{name} has {point - 1} calls at most: the test shows little");
        await CheckAsync(area);
    }

    /// <summary>A sample of the same on a volume of three nodes.</summary>
    [DaemonTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_same_holds_on_Gluster(bool isSized)
    {
        var random = TortureSettings.Begin(output, nameof(The_same_holds_on_Gluster));
        await using var area = await StartedAsync(StorageKind.Replica3, isSized);
        foreach (var operation in Operation.All.Where(operation => operation.IsSized == isSized && !operation.IsLocal))
        {
            var (daemon, stage) = await NextAsync(area);
            var calls = await Attempt.RecordAsync(daemon, operation, stage);
            await daemon.KillAsync();
            for (var kill = 0; kill < TortureSettings.Count(1, 20); kill++)
            {
                Assert.True(await IsKilledAsync(area, operation, random.Next(1, calls.Count + 1), _ => true) || calls.Count == 0, $"{operation} makes other calls each time");
            }
        }

        await CheckAsync(area);
    }

    /// <summary>A sample of calls before which it is told to stop.</summary>
    [DaemonTheory, MemberData(nameof(Operations))]
    public async Task Told_to_stop_at_any_call_a_daemon_ends_in_time_and_the_next_finds_all_in_order(string name)
    {
        var random = TortureSettings.Begin(output, name);
        await using var area = await StartedAsync(StorageKind.PlainXfs);
        var (daemon, stage) = await NextAsync(area);
        var calls = await Attempt.RecordAsync(daemon, Operation.Named(name), stage);
        await daemon.StopAsync();
        for (var stop = 0; stop < TortureSettings.Count(1, 20); stop++)
        {
            await StopAsync(area, Operation.Named(name), random.Next(1, calls.Count + 1));
        }

        await CheckAsync(area);
    }

    private async Task<StorageArea> StartedAsync(StorageKind kind, bool isSmall = false)
    {
        var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync(Operation.Image, await (kind == StorageKind.Replica3 && !isSmall ? lab.Masters.LargeAsync() : lab.Masters.SmallAsync()));
        return area;
    }

    /// <summary>A new daemon, after whatever befell the last; it is ready in time and has put everything right.</summary>
    private static async Task<(Daemon Daemon, Stage Stage)> NextAsync(StorageArea area)
    {
        var daemon = area.Launch(0, Calm);
        await daemon.ReadyAsync(seconds: 5);
        var stage = new Stage(area, daemon.Client, string.Create(CultureInfo.InvariantCulture, $"web{area.Started}"));
        await Operation.SettledAsync(stage);
        await area.Oracle.CheckAsync();
        return (daemon, stage);
    }

    private static async Task CheckAsync(StorageArea area) => await (await NextAsync(area)).Daemon.StopAsync();

    /// <summary>Does the operation with a daemon that is killed before the nth call that counts; false when there are not so many.</summary>
    private async Task<bool> IsKilledAsync(StorageArea area, Operation operation, int point, Func<SystemCall, bool> counts)
    {
        var (daemon, stage) = await NextAsync(area);
        await operation.PrepareAsync(stage);
        var counted = 0;
        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var attempt = await Attempt.MakeAsync(daemon, operation, stage, (call, _) =>
        {
            if (counts(call) && ++counted == point)
            {
                output.WriteLine($"{operation}, {point}: {call}");
                killed.SetResult();
                daemon.Kill();
            }

            return Task.FromResult(Verdict.Pass);
        }, killed.Task);
        operation.Note(stage, attempt.Outcome);
        await daemon.KillAsync();
        return attempt.IsStruck;
    }

    /// <summary>Does the operation with a daemon that is told to stop before the nth call.</summary>
    private async Task StopAsync(StorageArea area, Operation operation, int point)
    {
        var (daemon, stage) = await NextAsync(area);
        await operation.PrepareAsync(stage);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var attempt = await Attempt.MakeAsync(daemon, operation, stage, (call, number) =>
        {
            if (number == point)
            {
                output.WriteLine($"{operation}, {point}: {call}");
                Signal.Send(Signal.Terminate, daemon.Pid);
                told.SetResult();
            }

            return Task.FromResult(Verdict.Pass);
        }, told.Task);
        operation.Note(stage, attempt.Answer?.Code is "shutting_down" ? Outcome.Refused : attempt.Outcome);
        Assert.Equal(0, attempt.IsStruck ? await daemon.EndAsync() : await daemon.StopAsync());
    }

    /// <summary>Tells where one thing ends that is done to the storage, and another begins.</summary>
    private sealed class Turns
    {
        private (string Name, string File) last;

        public bool IsNew(SystemCall call)
        {
            var isNew = call.Changes && last != (call.Name, call.File);
            last = call.Changes ? (call.Name, call.File) : last;
            return isNew;
        }
    }
}
