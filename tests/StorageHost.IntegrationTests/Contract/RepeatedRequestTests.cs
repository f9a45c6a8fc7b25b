using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>A request that got no answer is sent again with its key, to the same daemon, after its death, or to another node.</summary>
[Collection(LabTests.Name)]
public sealed class RepeatedRequestTests(Lab lab)
{
    [DaemonTheory]
    [InlineData(StorageKind.Replica3)]
    [InlineData(StorageKind.Distribute)]
    public async Task A_request_sent_again_has_the_outcome_of_the_first(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var first = await area.StartAsync();
        await first.Client.FillAsync("centos", 1);
        var disk = (await first.Client.SetImageAsync("centos", "web01", key: "a")).Is(200).ToString();
        var data = (await first.Client.AddStorageAsync("web01", 1, key: "b")).Is(200).ToString();
        area.Oracle.Disk("web01", "centos");
        area.Oracle.DataDisk("web01_storage_1G");

        await AgainAsync(first.Client);
        await first.KillAsync();
        await AgainAsync((await area.StartAsync()).Client);
        var other = await area.StartAtAsync(1);
        await AgainAsync(other.Client);

        (await other.Client.SetImageAsync("centos", "web01", key: "c")).Refuses(409, "host_exists");
        (await other.Client.SetImageAsync("centos", "web01")).Refuses(409, "host_exists");
        Assert.Equal("web01_storage_1G_1", (await other.Client.AddStorageAsync("web01", 1, key: "d")).Is(200).GetProperty("disk").GetString());
        area.Oracle.DataDisk("web01_storage_1G_1");
        await area.Oracle.CheckAsync();

        async Task AgainAsync(Client client)
        {
            Assert.Equal(disk, (await client.SetImageAsync("centos", "web01", key: "a")).Is(200).ToString());
            Assert.Equal(data, (await client.AddStorageAsync("web01", 1, key: "b")).Is(200).ToString());
        }
    }

    [DaemonTheory]
    [InlineData("leaves")]
    [InlineData("is told that the outcome is unknown")]
    public async Task A_disk_whose_link_had_begun_stays_whoever_has_left(string caller)
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync("--Storage:RescanInterval", "01:00:00", "--Storage:OperationTimeout", caller == "leaves" ? "00:00:10" : "00:00:02")).Client;
        await client.FillAsync("centos", 4);
        (await client.SetImageAsync("centos", "web00")).Is(200);
        area.Oracle.Disk("web00", "centos");
        await client.PoolHoldsAsync("centos", 4);
        await Wait.UntilAsync("two to be claimed ahead", () => Task.FromResult(Directory.GetFiles(area.Seen(".storagehost"), "claim-*", SearchOption.AllDirectories).Length == 2));

        const string Abandoned = """storagehost_claim_duration_seconds_count{outcome="abandoned"} 1""";
        using var gone = new CancellationTokenSource();
        await Shell.RunAsync("fsfreeze", "--freeze", area.Seen());
        try
        {
            var keyed = LeavingAsync("web01", ("Idempotency-Key", "a"));
            await SaysAsync("storagehost_storage_threads_busy [1-9]");
            var other = LeavingAsync("web02");
            await SaysAsync("storagehost_storage_threads_busy [2-9]");
            if (caller == "leaves")
            {
                await gone.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => keyed);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);

                // The daemon hears of it through the same threads by which it answers these.
                for (var heard = 0; heard < 20; heard++)
                {
                    (await client.GetAsync("/healthz")).Is(200);
                    await Task.Delay(50);
                }
            }
            else
            {
                (await keyed).Refuses(504, "storage_timeout");
                (await other).Refuses(504, "storage_timeout");
            }
        }
        finally
        {
            await Shell.RunAsync("fsfreeze", "--unfreeze", area.Seen());
        }

        // A breaker that has opened refuses for a moment.
        await Verbs.DoneAsync(() => client.SetImageAsync("centos", "web03"));
        area.Oracle.Disk("web03", "centos");
        await client.PoolHoldsAsync("centos", 4);

        // The one with a key hung before its link, when it got its mark; the other in the link.
        Assert.Equal((false, true), (area.Has("web01.qcow2"), area.Has("web02.qcow2")));
        if (caller == "leaves")
        {
            await SaysAsync(Abandoned);
        }

        (await client.SetImageAsync("centos", "web01", key: "a")).Is(200);
        (await client.SetImageAsync("centos", "web02")).Refuses(409, "host_exists");
        area.Oracle.Disk("web01", "centos");
        area.Oracle.Disk("web02", "centos");
        await client.PoolHoldsAsync("centos", 4);
        await area.Oracle.CheckAsync();

        Task<Answer> LeavingAsync(string hostname, params (string, string)[] headers) => client.SendAsync(
            HttpMethod.Post, "/", $$$"""{"action":"setimage","createvmform":{"image":"centos","hostname":"{{{hostname}}}"}}""", headers: headers, gone: gone.Token);

        Task SaysAsync(string line) => Wait.UntilAsync(line, async () => Regex.IsMatch((await client.GetAsync("/metrics")).Text, $"^{line}\n", RegexOptions.Multiline));
    }

    [DaemonFact]
    public async Task A_request_sent_many_times_at_once_makes_one_disk()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(_ => new[] { client.SetImageAsync("centos", "web01", key: "a"), client.AddStorageAsync("web01", 1, key: "b") }));
        string[] disks = [.. answers.Select(answer => answer.Is(200).GetProperty("disk").GetString()!).ToHashSet(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Assert.Equal("web01.qcow2 web01_storage_1G", string.Join(' ', disks));
        area.Oracle.Disk("web01", "centos");
        area.Oracle.DataDisk("web01_storage_1G");
        await area.Oracle.CheckAsync();
    }
}
