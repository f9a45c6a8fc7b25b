using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>A mount that hangs, dies or is not there says nothing about its files: never 404, never 200.</summary>
[Collection(LabTests.Name)]
public sealed class HangTests(Lab lab, ITestOutputHelper output)
{
    private const string Name = "sick";
    private const int Callers = 50; // of four requests each
    private const int MostThreads = 100;
    private static readonly string[] Settings = ["--Storage:RequireMount", "fuse.glusterfs", "--Storage:OperationTimeout", "00:00:02"];

    [DaemonFact]
    public Task While_the_mount_hangs_every_request_has_its_answer_and_afterwards_all_is_well() => OnVolumeAsync($"{Name}1", async area =>
    {
        var node = (await lab.ClusterAsync()).Nodes[0];
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync(Settings);
        var client = daemon.Client;
        await client.FillAsync("centos", 2);
        (await client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await client.PoolHoldsAsync("centos", 2);

        var fuse = await node.FuseClientAsync($"{Name}1");
        Signal.Send(Signal.Stop, fuse);
        try
        {
            using var pulse = new Pulse(client.Address);
            var faults = await FaultsAsync(Enumerable.Range(0, Callers).SelectMany(number => Requests(client, number)));
            await Wait.UntilAsync("readiness to tell", async () => await client.StatusAsync("/readyz") == 503, seconds: 10);
            Assert.Null(pulse.Fault);
            Assert.True(faults.Length == 0, Summary(faults));
            Assert.True(daemon.Threads < MostThreads, $"{daemon.Threads} threads");
            output.WriteLine($"{pulse}");
            Assert.True(pulse.Median.TotalMilliseconds < 100 && pulse.Slowest.TotalMilliseconds < 2000, $"{pulse}");
        }
        finally
        {
            Signal.Send(Signal.Continue, fuse);
        }

        await Wait.UntilAsync("the daemon to be ready again", async () => await client.StatusAsync("/readyz") == 200, seconds: 30);
        (await client.SetImageAsync("centos", "web02")).Is(200);
        area.Oracle.Disk("web02", "centos");
        await client.PoolHoldsAsync("centos", 2);
        await NoteUnknownOutcomesAsync(client, area);
        await area.Oracle.CheckAsync();
    });

    [DaemonFact]
    public Task While_the_mount_hangs_programs_begin_and_end() => OnVolumeAsync($"{Name}3", async area =>
    {
        var node = (await lab.ClusterAsync()).Nodes[0];
        var daemon = await area.StartAsync([.. Settings, "--Gluster:PollInterval", "00:00:01"]);
        await Wait.UntilAsync("gluster to be asked", async () => await RunsAsync(daemon.Client) > 0);

        // Else the mount would not be asked at the exec of a program, and this would show nothing.
        Assert.Contains(OpenFiles.Of(daemon), file => file.StartsWith($"{area.Directory}/", StringComparison.Ordinal) && file.EndsWith("/lock", StringComparison.Ordinal));
        AssertHasNothingOpen(daemon, area);

        var fuse = await node.FuseClientAsync($"{Name}3");
        Signal.Send(Signal.Stop, fuse);
        try
        {
            var before = await RunsAsync(daemon.Client);
            await Wait.UntilAsync("gluster to be asked again and again", async () => await RunsAsync(daemon.Client) >= before + 6, seconds: 30);
        }
        finally
        {
            Signal.Send(Signal.Continue, fuse);
        }

        await Wait.UntilAsync("the daemon to be ready again", async () => await daemon.Client.StatusAsync("/readyz") == 200, seconds: 30);
        AssertHasNothingOpen(daemon, area);
    });

    [DaemonFact]
    public Task Without_its_mount_it_knows_nothing_and_with_it_again_everything() => OnVolumeAsync($"{Name}2", async area =>
    {
        var node = (await lab.ClusterAsync()).Nodes[0];
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync(Settings)).Client;
        await client.FillAsync("centos", 1);

        // First the mount point is left without its server (ENOTCONN), then it is an empty directory of another file system.
        foreach (var step in new Func<Task>[] { async () => Signal.Send(Signal.Kill, await node.FuseClientAsync($"{Name}2")), () => node.UnmountAsync($"{Name}2") })
        {
            await step();
            var faults = await FaultsAsync(Requests(client, 1));
            Assert.True(faults.Length == 0, Summary(faults));
            await Wait.UntilAsync("readiness to tell", async () => await client.StatusAsync("/readyz") == 503, seconds: 10);
            (await client.GetAsync("/healthz")).Is(200);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(area.Seen()));
        await node.MountAsync($"{Name}2");
        await Wait.UntilAsync("the daemon to be ready again", async () => await client.StatusAsync("/readyz") == 200, seconds: 30);
        (await client.SetImageAsync("centos", "web02")).Is(200);
        area.Oracle.Disk("web02", "centos");
        await client.PoolHoldsAsync("centos", 1);
        await area.Oracle.CheckAsync();
    });

    private static void AssertHasNothingOpen(Daemon daemon, StorageArea area) =>
        Assert.DoesNotContain(OpenFiles.OfToolHost(daemon), file => file.StartsWith(area.Directory, StringComparison.Ordinal));

    /// <summary>How many runs of gluster have succeeded.</summary>
    private static async Task<double> RunsAsync(Client client) => (await client.GetAsync("/metrics")).Text.Split('\n')
        .Where(line => line.StartsWith("""storagehost_process_duration_seconds_count{outcome="succeeded",program="gluster"}""", StringComparison.Ordinal))
        .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    private static IEnumerable<(string Verb, Task<Answer> Answer)> Requests(Client client, int number) =>
    [
        ("list", client.SendAsync(HttpMethod.Get, "/", """{"target":"images"}""")),
        ("setimage", client.SetImageAsync("centos", $"hung{number}")),
        ("delete", client.DeleteHostAsync($"nobody{number}")),
        ("addstorage", client.AddStorageAsync($"hung{number}", 1)),
    ];

    private static async Task<string[]> FaultsAsync(IEnumerable<(string Verb, Task<Answer> Answer)> requests)
    {
        var faults = await Task.WhenAll(requests.Select(async request => await FaultAsync(request.Answer) is { } fault ? $"{request.Verb}: {fault}" : null));
        return [.. faults.OfType<string>()];
    }

    private static string Summary(string[] faults) =>
        string.Join('\n', faults.GroupBy(fault => fault.Split(" ms:")[0], StringComparer.Ordinal).Select(same => $"{same.Count()} x {same.First()}"));

    // What is wrong with the answer of a daemon that cannot reach its storage; null when nothing is.
    private static async Task<string?> FaultAsync(Task<Answer> request)
    {
        try
        {
            var answer = await request.WaitAsync(TimeSpan.FromSeconds(20));
            answer.Refuses(answer.Status is 504 ? 504 : 503, "storage_unavailable", "storage_timeout");
            return answer.Took.TotalSeconds < 15 ? null : $"two seconds for an operation, and: {answer}";
        }
        catch (TimeoutException)
        {
            return "no answer within 20 s";
        }
    }

    // An answer of 503 or 504 leaves open what became of the request; only a half or doubled file would be wrong.
    private static async Task NoteUnknownOutcomesAsync(Client client, StorageArea area)
    {
        for (var number = 0; number < Callers; number++)
        {
            var removed = await client.DeleteHostAsync($"hung{number}", purge: true);
            _ = removed.Status == 404 ? removed.Refuses(404, "host_not_found") : removed.Is(200);
        }

        await area.Oracle.CheckAsync();
    }

    private async Task OnVolumeAsync(string name, Func<StorageArea, Task> test)
    {
        var cluster = await lab.ClusterAsync();
        var volume = await cluster.AddVolumeAsync(name);
        await using (var area = StorageArea.Make(volume, volume.MountPoint, name))
        {
            await test(area);
        }

        await cluster.RemoveVolumeAsync(name);
    }
}
