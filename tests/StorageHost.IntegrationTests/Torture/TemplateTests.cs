using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>The template is replaced, or grows where it lies, just before a system call of a verb that uses it.</summary>
[Collection(LabTests.Name)]
public sealed class TemplateTests(Lab lab, ITestOutputHelper output)
{
    private const int Growth = 64 * 1024;

    [DaemonTheory]
    [InlineData("a hit", false)]
    [InlineData("a miss", false)]
    [InlineData("a filling", false)]
    [InlineData("a miss", true)]
    public async Task Nobody_gets_the_old_content_after_the_answer_that_saw_the_new(string name, bool grows)
    {
        var random = TortureSettings.Begin(output, $"{name}{grows}");
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync(Operation.Image, await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:00.5", "--Pool:SettleTime", "00:00:01");
        var operation = Operation.Named(name);
        var calls = await Attempt.RecordAsync(daemon, operation, new Stage(area, daemon.Client, "web0"));
        for (var number = 1; number <= TortureSettings.Count(5, 60); number++)
        {
            var stage = new Stage(area, daemon.Client, string.Create(CultureInfo.InvariantCulture, $"web{number}"));
            var change = grows ? Grow(area) : await area.LayTemplateReadyAsync(Operation.Image, await lab.Masters.SmallAsync(number % 2 == 0 ? "a" : "b"));
            await ChangeAsync(daemon, operation, stage, random.Next(1, calls.Count + 1), change);
        }
    }

    private async Task ChangeAsync(Daemon daemon, Operation operation, Stage stage, int point, Action change)
    {
        await operation.PrepareAsync(stage);
        var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var attempt = await Attempt.MakeAsync(daemon, operation, stage, (call, number) =>
        {
            if (number == point)
            {
                output.WriteLine($"{operation}, {point}: {call}");
                change();
                changed.SetResult();
            }

            return Task.FromResult(Verdict.Pass);
        }, changed.Task);
        operation.Note(stage, attempt.Outcome);
        if (!attempt.IsStruck)
        {
            change();
        }

        var (old, now) = (stage.Oracle.MastersOf(Operation.Image)[1], stage.Oracle.MasterOf(Operation.Image));
        if (attempt.Answer!.Is(200).TryGetProperty("disk", out _))
        {
            stage.Oracle.Expect($"{stage.Host}.qcow2", isSure: true, attempt.IsStruck ? [old, now] : [old]);
        }

        (await stage.Client.SetImageAsync(Operation.Image, $"{stage.Host}-after")).Is(200);
        stage.Oracle.Expect($"{stage.Host}-after.qcow2", isSure: true, now);
        await Wait.UntilAsync("stale copies to be retired", async () => (await stage.Oracle.BrokenCopiesAsync()).Count == 0);
        await Operation.SettledAsync(stage);
        await stage.Oracle.CheckAsync();
    }

    /// <summary>Writes on at the end of the template, and keeps what it is then.</summary>
    private static Action Grow(StorageArea area) => () =>
    {
        var template = area.Seen($"{Operation.Image}_template.img");
        using (var file = File.Open(template, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            var more = new byte[Growth];
            Random.Shared.NextBytes(more);
            file.Write(more);
        }

        var master = Path.Combine(Lab.Directory, "masters", $"grown-{Guid.NewGuid():N}");
        File.Copy(template, master);
        area.Oracle.Template(Operation.Image, master);
    };
}
