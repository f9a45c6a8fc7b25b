using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>Volumes that are stopped, mounts that die, and peers whose daemon hangs.</summary>
[Collection(LabTests.Name)]
public sealed partial class PoolFaultTests(Lab lab)
{
    [DaemonFact]
    public async Task A_stopped_volume_is_broken_until_it_is_started()
    {
        await using var volume = await SickVolume.StartAsync(lab, "ill1");
        await Wait.UntilAsync("the volume to be stopped", async () => (await volume.Nodes[0].TryGlusterAsync("volume", "stop", "ill1")).ExitCode == 0);

        await volume.IsAsync("broken", "the volume is stopped");

        await Wait.UntilAsync("the volume to be started", async () => (await volume.Nodes[0].TryGlusterAsync("volume", "start", "ill1")).ExitCode == 0);
        await volume.IsWellAsync();
    }

    [DaemonFact]
    public async Task A_dead_mount_and_an_absent_one_have_their_own_words()
    {
        await using var volume = await SickVolume.StartAsync(lab, "ill2", "--Storage:RequireMount", "fuse.glusterfs");
        await volume.WriteAsync("web01.qcow2", "an image");
        await Wait.UntilAsync("the image to be known", async () => await ImagesAsync(volume) == 1);

        Signal.Send(Signal.Kill, await volume.Nodes[0].FuseClientAsync("ill2"));
        await volume.IsAsync("broken", "the mount is dead, or has lost its servers (ENOTCONN)", "what is shown is of ");
        Assert.Equal(1, await ImagesAsync(volume));

        await volume.Nodes[0].UnmountAsync("ill2");
        await volume.IsAsync("broken", "not mounted", "what is shown is of ");
        Assert.Equal(1, await ImagesAsync(volume));

        await volume.Nodes[0].MountAsync("ill2");
        await volume.IsWellAsync();
    }

    [DaemonFact]
    public async Task While_a_peers_daemon_hangs_answers_are_quick_and_say_how_old_they_are()
    {
        var begun = DateTimeOffset.UtcNow.AddSeconds(-1);
        await using var volume = await SickVolume.StartAsync(lab, "ill3");
        await volume.Area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        using var programs = new ProgramCount("gluster", volume.Daemon);
        var peer = await volume.Nodes[1].ManagementDaemonAsync();
        var stopped = DateTimeOffset.UtcNow.AddSeconds(1);
        Signal.Send(Signal.Stop, peer);
        try
        {
            await volume.IsAsync("ok", "did not answer within 5 s", "of some node may be stopped or cut off", "(what is shown is of ");
            var message = (await volume.Client.VolumeAsync(StorageView.Gluster, "ill3"))!.Value.Text("status_msg");
            var since = DateTimeOffset.Parse(Since().Match(message).Groups["time"].Value, CultureInfo.InvariantCulture);
            Assert.InRange(since, begun, stopped);

            var p50 = await MedianAsync(volume.Client);
            Assert.True(p50.TotalMilliseconds < 200, $"half of the answers took more than {p50.TotalMilliseconds:0.0} ms");
            Assert.True(programs.Most == 1, $"{programs.Most} gluster processes at once in {programs.Samples} samples");
            await EveryVerbIsQuickAsync(volume);
        }
        finally
        {
            Signal.Send(Signal.Continue, peer);
        }

        await volume.IsWellAsync();
        Assert.Equal(1, programs.Most);
        await volume.Daemon.StopAsync();
        await Wait.UntilAsync("no gluster process to be left over", () => Task.FromResult(programs.Now == 0), 5);
    }

    [DaemonFact]
    public async Task A_node_whose_daemon_is_gone_is_named()
    {
        await using var volume = await SickVolume.StartAsync(lab, "ill4");
        Signal.Send(Signal.Kill, await volume.Nodes[2].ManagementDaemonAsync());
        try
        {
            await volume.IsAsync("degraded", $"node {volume.Nodes[2].Name} is not reached");
        }
        finally
        {
            await volume.Nodes[2].Place.RunAsync("glusterd", "-p", "/run/glusterd.pid");
        }

        await volume.IsWellAsync();
    }

    // The bricks serve without the daemon of their node.
    private static async Task EveryVerbIsQuickAsync(SickVolume volume)
    {
        var client = volume.Client;
        foreach (var request in new Func<Task<Answer>>[]
        {
            () => client.SetImageAsync("centos", "web01"), () => client.SetImageAsync("centos", "web02"), () => client.AddStorageAsync("web02", 1),
            () => client.DeleteHostAsync("web02", purge: true), () => client.GetAsync("/imagestorages"), () => client.GetAsync("/imagestorages/internal"),
        })
        {
            var answer = await request();
            answer.Is(200);
            Assert.True(answer.Took.TotalSeconds < 10, answer.ToString());
        }

        volume.Area.Oracle.Disk("web01", "centos");
        await volume.Area.Oracle.CheckAsync();
    }

    private static async Task<int> ImagesAsync(SickVolume volume) =>
        (await volume.Client.VolumeAsync(StorageView.Gluster, volume.Name))!.Value.GetProperty("images").GetArrayLength();

    private static async Task<TimeSpan> MedianAsync(Client client)
    {
        var took = new List<TimeSpan>();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < 3 || took.Count < 100; await Task.Delay(TimeSpan.FromMilliseconds(20)))
        {
            var answer = await client.GetAsync("/imagestorages/internal");
            answer.Is(200);
            took.Add(answer.Took);
        }

        return took.Order().ElementAt(took.Count / 2);
    }

    [GeneratedRegex(@"what is shown is of (?<time>[0-9TZ:-]+)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Since();
}
