using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>The volume fills up while it is worked on: with bytes to the last one, and with files.</summary>
[Collection(LabTests.Name)]
public sealed class FullTests(Lab lab, ITestOutputHelper output)
{
    private const int Callers = 3;
    private const int Level = 3;

    [DaemonFact]
    public async Task A_volume_that_fills_to_the_last_byte_gets_its_copies_back_and_recovers()
    {
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "brim", "420M", reflink: false);
        await FillUpAsync(mountPoint, async filler =>
        {
            // The last pieces are small ones; that there is no more room is how each ends.
            foreach (var block in new[] { "1M", "64k", "512" })
            {
                await Shell.TryAsync("dd", "if=/dev/zero", $"of={filler}/{block}", $"bs={block}", "status=none");
            }
        }, givesBack: true);
    }

    [DaemonFact]
    public async Task A_volume_without_room_for_another_file_recovers()
    {
        var mountPoint = await LoopDevice.MountXfsAsync(Lab.Directory, "crowd", "420M", reflink: false, "maxpct=1");
        await FillUpAsync(mountPoint, filler =>
        {
            try
            {
                for (var number = 0; ; number++)
                {
                    File.Create(Path.Combine(filler, number.ToString(CultureInfo.InvariantCulture))).Dispose();
                }
            }
            catch (IOException)
            {
                return Task.CompletedTask; // full
            }
        }, givesBack: false);
    }

    private async Task FillUpAsync(string mountPoint, Func<string, Task> fillAsync, bool givesBack)
    {
        var random = TortureSettings.Begin(output, mountPoint);
        var filler = Directory.CreateDirectory(Path.Combine(mountPoint, "filler")).FullName;
        await using var area = StorageArea.Make(new Volume(mountPoint, [Place.Here]), Path.Combine(mountPoint, "images"), Path.GetFileName(mountPoint));
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(20));
        var fleet = new Fleet(area, "--Storage:RescanInterval", "00:00:01");
        await fleet.StartAsync();
        var client = fleet[0]!.Client;
        await client.FillAsync("big", Level);
        area.Oracle.Level("big", Level);
        var workload = new Workload(fleet, ["centos"], random.Next(), "big");
        for (var round = 0; round < TortureSettings.Count(1, 10); round++)
        {
            using var stop = new CancellationTokenSource();
            var calling = workload.RunAsync(Callers, stop.Token);
            await fillAsync(filler);
            await Wait.UntilAsync("a request to be refused for want of room", () => Task.FromResult(workload.ToString().Contains(" 507 ", StringComparison.Ordinal)), seconds: 90);
            await Wait.UntilAsync("ready copies to be given back", async () => !givesBack || await client.PoolAsync("big", "ready") == 0, seconds: 90);
            await stop.CancelAsync();
            await calling;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round}: {workload}"));

            await Shell.RunAsync("find", filler, "-type", "f", "-delete");
            workload.Conclude();
            await fleet[0]!.ReadyAsync();
            await fleet.SettledAsync(seconds: 90);
            await area.Oracle.CheckAsync();
        }
    }
}
