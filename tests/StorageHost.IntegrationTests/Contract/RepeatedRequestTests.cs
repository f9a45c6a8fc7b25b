using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
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
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_disk_whose_caller_leaves_while_it_gets_its_name_stays_only_for_a_key(bool hasKey)
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--Storage:RescanInterval", "01:00:00");
        await daemon.Client.FillAsync("centos", 1);
        using var gone = new CancellationTokenSource();
        var named = false;
        await using (await Interceptor.AttachAsync(daemon, area.Directory, async call =>
        {
            if (named && !gone.IsCancellationRequested)
            {
                // The name is there, and not durable yet. The daemon hears at once of the caller's leaving.
                await gone.CancelAsync();
                await Task.Delay(TimeSpan.FromSeconds(1));
            }

            named |= call.Target == "web01.qcow2";
            return Verdict.Pass;
        }))
        {
            (string, string)[] headers = hasKey ? [("Idempotency-Key", "a")] : [];
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => daemon.Client.SendAsync(HttpMethod.Post, "/", """{"action":"setimage","createvmform":{"image":"centos","hostname":"web01"}}""", headers: headers, gone: gone.Token));
            await daemon.Client.PoolHoldsAsync("centos", 1);
        }

        // Whoever asks again with the key may have been told of it already.
        await Wait.UntilAsync("the disk to be decided about", () => Task.FromResult(area.Has("web01.qcow2") == hasKey));
        (await daemon.Client.SetImageAsync("centos", "web01", key: "a")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await daemon.Client.PoolHoldsAsync("centos", 1);
        await area.Oracle.CheckAsync();
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
