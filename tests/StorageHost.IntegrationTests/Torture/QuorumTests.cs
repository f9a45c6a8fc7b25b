using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.ImageStorages;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>Two bricks of three go while the daemon is called, and come back.</summary>
[Collection(LabTests.Name)]
public sealed class QuorumTests(Lab lab, ITestOutputHelper output)
{
    private const string Name = "quorum";
    private const int Hosts = 6; // for each verb

    private sealed record Asked(string Verb, string Host, Answer Answer);

    [DaemonFact]
    public async Task Without_quorum_nothing_is_absent_and_nothing_done_and_with_it_everything_goes_on()
    {
        await using var volume = await SickVolume.StartAsync(lab, Name, "--Storage:RescanInterval", "00:00:02", "--Storage:OperationTimeout", "00:00:05");
        var (area, client) = (volume.Area, volume.Client);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        foreach (var host in HostsOf("old-during").Concat(HostsOf("old-without")))
        {
            (await client.SetImageAsync("centos", host)).Is(200);
            area.Oracle.Disk(host, "centos");
        }

        var during = Ask(client, "during");
        await Task.WhenAny(during);
        await volume.Nodes[1].KillBrickAsync(Name);
        await volume.Nodes[2].KillBrickAsync(Name);
        Note(area.Oracle, await Task.WhenAll(during));
        await Wait.UntilAsync("readiness to tell", async () => await client.StatusAsync("/readyz") == 503);

        var without = await Task.WhenAll(Ask(client, "without"));
        Assert.All(without, asked => Assert.True(asked.Answer.Status is 503 or 504, $"without quorum: {asked.Answer}"));
        Note(area.Oracle, without);
        (await client.GetAsync("/healthz")).Is(200);
        (await client.GetAsync("/imagestorages/internal")).Is(200);

        await volume.ReviveAsync();
        await Wait.UntilAsync("the daemon to be ready again", async () => await client.StatusAsync("/readyz") == 200, seconds: 30);
        await Verbs.DoneAsync(() => client.SetImageAsync("centos", "after"));
        area.Oracle.Disk("after", "centos");
        await volume.Cluster.HealedAsync(Name);
        foreach (var place in new[] { 0, 1 })
        {
            await volume.Nodes[place].ReachesBricksAsync(Name);
            await area.Oracle.CheckAsync(place, seconds: 30);
        }
    }

    private static IEnumerable<string> HostsOf(string name) => Enumerable.Range(0, Hosts).Select(number => string.Create(CultureInfo.InvariantCulture, $"{name}{number}"));

    private static Task<Asked>[] Ask(Client client, string when) =>
    [
        .. HostsOf($"new-{when}").Select(async host => new Asked("setimage", host, await client.SetImageAsync("centos", host))),
        .. HostsOf($"old-{when}").Select(async host => new Asked("delete", host, await client.DeleteHostAsync(host))),
        .. HostsOf($"data-{when}").Select(async host => new Asked("addstorage", host, await client.AddStorageAsync(host, 1))),
        .. HostsOf(when).Select(async host => new Asked("list", host, await client.GetAsync("/?target=images"))),
    ];

    private void Note(Oracle oracle, Asked[] all)
    {
        output.WriteLine(string.Join(", ", all.GroupBy(asked => $"{asked.Verb} {asked.Answer.Status}", StringComparer.Ordinal).Select(same => $"{same.Count()} x {same.Key}")));

        // While bricks go, Gluster may say that somebody holds a lock; to believe it is safe.
        foreach (var (verb, host, answer) in all.Where(asked => asked is not { Verb: "delete", Answer: { Status: 409, Code: "disk_in_use" } }))
        {
            var isDone = answer.Status == 200;
            if (!isDone)
            {
                answer.Refuses(answer.Status is 504 ? 504 : 503, "storage_unavailable", "storage_timeout");
            }

            switch (verb)
            {
                case "setimage" when isDone: oracle.Disk(host, "centos"); break;
                case "setimage": oracle.MayHaveDisk(host, "centos"); break;
                case "addstorage" when isDone: oracle.DataDisk(DataDiskOf(host)); break;
                case "addstorage": oracle.MayHaveDataDisk(DataDiskOf(host)); break;
                case "delete" when isDone: oracle.NoDisk(host); break;
                case "delete": oracle.MayLack($"{host}.qcow2"); break;
                default: Assert.True(!isDone || answer.Json.Strings("images") is ["centos"], $"not all images: {answer}"); break;
            }
        }
    }

    private static string DataDiskOf(string host) => $"{host}_storage_1G";
}
