using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>The power goes while a daemon is busy, just before a system call of it on the storage.</summary>
[Collection(LabTests.Name)]
public sealed class PowerTests(Lab lab, ITestOutputHelper output)
{
    private const int MostCalls = 300;
    private const int Callers = 3;

    [DaemonFact]
    public async Task What_was_acknowledged_outlives_any_power_cut()
    {
        var random = TortureSettings.Begin(output, nameof(What_was_acknowledged_outlives_any_power_cut));
        var disk = Path.Combine(Lab.Directory, "power.xfs");
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "power", "2G");
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), Path.Combine(mountPoint, "images"), "power");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.SmallAsync("b"));
        await Shell.RunAsync("sync", "-f", mountPoint);
        var fleet = new Fleet(area);
        var workload = new Workload(fleet, ["centos", "debian12"], random.Next());
        await fleet.StartAsync();
        for (var cut = 1; cut <= TortureSettings.Count(6, 300); cut++)
        {
            using var stop = new CancellationTokenSource();
            var calling = workload.RunAsync(Callers, stop.Token);
            var last = await CutAsync(fleet, random.Next(1, MostCalls), () => Shell.RunAsync("xfs_io", "-x", "-c", "shutdown", mountPoint));
            await stop.CancelAsync();
            await fleet.KillAsync(0);
            await calling;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"cut {cut} before {last}: {workload}"));

            await Wait.UntilAsync("the file system to be let go", async () => (await Shell.TryAsync("umount", mountPoint)).ExitCode == 0);
            await LoopDevice.MountAsync(disk, mountPoint);
            workload.Conclude();
            await fleet.StartAsync(seconds: 5);
            await fleet.SettledAsync();
            await area.Oracle.CheckAsync();
        }
    }

    /// <summary>The power goes before each call that changes something while a template comes in; the fast part takes each fourth.</summary>
    [DaemonTheory]
    [InlineData("an upload")]
    [InlineData("a replacement")]
    public async Task Whatever_a_power_cut_leaves_of_a_template_that_is_sent_is_whole(string name)
    {
        var operation = Operation.Named(name);
        var folder = name.Replace(' ', '-');
        var disk = Path.Combine(Lab.Directory, $"{folder}.xfs");
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, folder, "512M");
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), Path.Combine(mountPoint, "images"), folder);
        await area.PutTemplateAsync(Operation.Image, await lab.Masters.SmallAsync());
        var step = TortureSettings.IsLong ? 1 : 4;
        var (point, isStruck) = (TortureSettings.Begin(output, name).Next(1, step + 1), true);
        for (; isStruck; point += step)
        {
            var daemon = await area.StartAsync("--Storage:RescanInterval", "01:00:00", "--Storage:IndexInterval", "01:00:00");
            await area.Oracle.CheckAsync();
            var stage = new Stage(area, daemon.Client, string.Create(CultureInfo.InvariantCulture, $"web{point}"));
            await operation.PrepareAsync(stage);
            await Shell.RunAsync("sync", "-f", mountPoint);
            var changes = 0;
            var cut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var attempt = await Attempt.MakeAsync(daemon, operation, stage, async (call, _) =>
            {
                if (call.Changes && ++changes == point)
                {
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{operation}, {point}: {call}"));
                    await Shell.RunAsync("xfs_io", "-x", "-c", "shutdown", mountPoint);
                    cut.SetResult();
                }

                return Verdict.Pass;
            }, cut.Task);
            operation.Note(stage, attempt.Outcome);
            isStruck = attempt.IsStruck;
            await daemon.KillAsync();
            await Wait.UntilAsync("the file system to be let go", async () => (await Shell.TryAsync("umount", mountPoint)).ExitCode == 0);
            await LoopDevice.MountAsync(disk, mountPoint);
        }

        await area.StartAsync();
        await area.Oracle.CheckAsync();
        Assert.True(point > 2 * step, $"{name} changes something {point} times at most: the test shows little");
    }

    /// <summary>The power goes between the removal of a name and what makes that durable.</summary>
    [DaemonFact]
    public async Task A_deletion_that_is_lost_was_not_acknowledged()
    {
        var disk = Path.Combine(Lab.Directory, "lost.xfs");
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "lost", "512M");
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), Path.Combine(mountPoint, "images"), "lost");
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        (await daemon.Client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await Shell.RunAsync("sync", "-f", mountPoint);
        await using (var interceptor = await Interceptor.AttachAsync(daemon, area.Directory, async call =>
        {
            if (call is { Name: "fsync", File: "web01.qcow2" })
            {
                await Shell.RunAsync("xfs_io", "-x", "-c", "shutdown", mountPoint);
            }

            return Verdict.Pass;
        }))
        {
            (await daemon.Client.DeleteHostAsync("web01")).Refuses(503, "storage_unavailable");
        }

        await daemon.KillAsync();
        await Wait.UntilAsync("the file system to be let go", async () => (await Shell.TryAsync("umount", mountPoint)).ExitCode == 0);
        await LoopDevice.MountAsync(disk, mountPoint);
        await area.StartAsync();
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task What_was_acknowledged_outlives_a_power_cut_of_the_whole_cluster()
    {
        var random = TortureSettings.Begin(output, nameof(What_was_acknowledged_outlives_a_power_cut_of_the_whole_cluster));
        await using var area = await lab.AreaAsync(StorageKind.Replica3);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.LargeAsync());
        await area.Places[0].RunAsync("sync", area.Directory + "/centos_template.img", area.Directory + "/debian12_template.img");
        var cluster = await lab.ClusterAsync();
        var fleet = new Fleet(area);
        var workload = new Workload(fleet, ["centos", "debian12"], random.Next());
        for (var cut = 1; cut <= TortureSettings.Count(1, 30); cut++)
        {
            await fleet.StartAsync();
            using var stop = new CancellationTokenSource();
            var calling = workload.RunAsync(Callers, stop.Token);
            var last = await CutAsync(fleet, random.Next(1, MostCalls), cluster.CutPowerAsync);
            await stop.CancelAsync();
            await Task.WhenAll(Enumerable.Range(0, fleet.Size).Select(fleet.KillAsync));
            await calling;
            await cluster.RestorePowerAsync();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"cut {cut} before {last}: {workload}"));
            workload.Conclude();
            await fleet.StartAsync();
            await fleet.SettledAsync();
            await cluster.HealedAsync("replica");
            for (var place = 0; place < fleet.Size; place++)
            {
                await area.Oracle.CheckAsync(place, seconds: 30); // a copy may have two names for some time
            }
        }
    }

    /// <summary>Cuts the power before the nth call that changes something: nothing of XFS's log is written that was not forced out.</summary>
    private static async Task<SystemCall> CutAsync(Fleet fleet, int point, Func<Task> cut)
    {
        var calls = 0;
        var last = new TaskCompletionSource<SystemCall>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var interceptor = await Interceptor.AttachAsync(fleet[0]!, fleet.Area.Directory, async call =>
        {
            if (call.Changes && ++calls == point)
            {
                await cut();
                last.SetResult(call);
            }

            return Verdict.Pass;
        });
        return await last.Task.WaitAsync(TimeSpan.FromSeconds(120));
    }
}
