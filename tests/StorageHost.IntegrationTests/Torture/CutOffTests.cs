using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>A node loses the others while it is at work, and finds them again.</summary>
[Collection(LabTests.Name)]
public sealed class CutOffTests(Lab lab, ITestOutputHelper output)
{
    private const string PingTimeout = "5"; // s, after which the volume gives up a brick that does not answer
    private const int Callers = 6;
    private const int Adders = 12;
    private const int LongestBefore = 1500; // ms of work before the cut
    private const int LongestUntilDeath = 1500; // ms from the cut until the daemon is killed

    private static readonly string[] Settings =
        ["--Storage:RequireMount", "fuse.glusterfs", "--Storage:RescanInterval", "00:00:02", "--Storage:OperationTimeout", "00:00:03", "--Storage:TransferTimeout", "00:00:06"];

    [DaemonFact]
    public async Task What_a_node_gives_while_it_is_cut_off_nobody_else_gives()
    {
        var random = TortureSettings.Begin(output, nameof(What_a_node_gives_while_it_is_cut_off_nobody_else_gives));
        await using var volume = await OwnVolume.MakeAsync(lab, "cut1", PingTimeout);
        var area = volume.Area;
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.LargeAsync());
        var fleet = new Fleet(area, Settings);
        var workload = new Workload(fleet, ["centos", "debian12"], random.Next());
        var ground = new Ground(volume.Cluster, volume.Name, fleet, random);
        for (var round = 0; round < TortureSettings.Count(1, 5); round++)
        {
            await fleet.StartAsync();
            using var stop = new CancellationTokenSource();
            var calling = workload.RunAsync(Callers, stop.Token);
            await Task.Delay(LongestBefore + random.Next(LongestBefore));
            await Nemesis.Named("a node cut off").StrikeAsync(ground, round % fleet.Size, () => Task.Delay(TimeSpan.FromSeconds(TortureSettings.IsLong ? 60 : 8)));
            await stop.CancelAsync();
            await calling;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round}: {workload}"));
            await volume.Cluster.HealedAsync(volume.Name);
            await fleet.StartAsync(seconds: 60);
            workload.Conclude();
            await fleet.SettledAsync();
            for (var place = 0; place < fleet.Size; place++)
            {
                await area.Oracle.CheckAsync(place, seconds: 20);
            }
        }
    }

    /// <summary>Gluster's client hangs for good when two processes are killed that wait for locks on bricks which are away (its issue 4371).</summary>
    [DaemonFact]
    public async Task A_daemon_that_is_killed_while_its_node_is_cut_off_takes_the_mount_not_with_it()
    {
        var random = TortureSettings.Begin(output, nameof(A_daemon_that_is_killed_while_its_node_is_cut_off_takes_the_mount_not_with_it));
        await using var volume = await OwnVolume.MakeAsync(lab, "cut2", PingTimeout);
        var (area, node) = (volume.Area, volume.Cluster.Nodes[0]);
        for (var round = 0; round < TortureSettings.Count(1, 30); round++)
        {
            var daemon = await area.StartAsync(Settings);
            using var stop = new CancellationTokenSource();
            var adding = Enumerable.Range(0, Adders).Select(adder => AddAsync(area.Oracle, daemon.Client, $"web{round}-{adder}", stop.Token)).ToArray();
            await Task.Delay(random.Next(LongestBefore));
            int[] added;
            await node.CutOffAsync(volume.Cluster.Nodes);
            try
            {
                await Task.Delay(random.Next(LongestUntilDeath));
                daemon.Kill();
                await stop.CancelAsync();
                added = await Task.WhenAll(adding);
            }
            finally
            {
                await node.JoinAsync(volume.Cluster.Nodes);
            }

            await daemon.EndAsync(seconds: 60);
            await Wait.UntilAsync("the mount to answer", async () => (await Shell.TryAsync(node.Place.Command("stat", area.Directory))).ExitCode == 0, seconds: 60);
            await node.ReachesBricksAsync(volume.Name);
            await volume.Cluster.HealedAsync(volume.Name);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round}: {added.Sum()} disks"));
            daemon = await area.StartAsync(Settings);
            await area.Oracle.CheckAsync(seconds: 30);
            await daemon.StopAsync();
        }
    }

    private static async Task<int> AddAsync(Oracle oracle, Client client, string host, CancellationToken stop)
    {
        var added = 0;
        for (var size = 1; !stop.IsCancellationRequested; size++)
        {
            var file = string.Create(CultureInfo.InvariantCulture, $"{host}_storage_{size}G");
            var status = 0;
            try
            {
                status = (await client.AddStorageAsync(host, size)).Status;
            }
            catch (HttpRequestException)
            {
                // The daemon was killed.
            }

            lock (oracle)
            {
                oracle.Expect(file, isSure: status == 200);
            }

            added += status == 200 ? 1 : 0;
        }

        return added;
    }
}
