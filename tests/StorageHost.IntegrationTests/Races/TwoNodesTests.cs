using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Torture;
using Xunit;

namespace StorageHost.IntegrationTests.Races;

/// <summary>Two daemons on two nodes of one volume.</summary>
[Collection(LabTests.Name)]
public sealed class TwoNodesTests(Lab lab)
{
    private static readonly int Rounds = TortureSettings.Count(20, 2000);

    [DaemonTheory, SharedStorage]
    public async Task A_raced_hostname_goes_to_one_node_and_a_raced_copy_to_one_host(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        Client[] nodes = [(await area.StartAtAsync(0)).Client, (await area.StartAtAsync(1)).Client];
        await Task.WhenAll(nodes.Select(node => node.FillAsync("centos", 4)));

        for (var round = 0; round < Rounds; round++)
        {
            // One name for both, and beside it one name for each, so that both the name and the copies are raced for.
            var same = nodes.Select(node => node.SetImageAsync("centos", $"same{round}")).ToArray();
            var own = nodes.Select((node, number) => node.SetImageAsync("centos", $"own{round}-{number}")).ToArray();
            var answers = await Task.WhenAll(same);
            Assert.True(answers.Count(answer => answer.Status == 200) == 1, $"one winner: {answers[0]} and {answers[1]}");
            answers.Single(answer => answer.Status != 200).Refuses(409, "host_exists");
            area.Oracle.Disk($"same{round}", "centos");
            for (var number = 0; number < nodes.Length; number++)
            {
                (await own[number]).Is(200);
                area.Oracle.Disk($"own{round}-{number}", "centos");
            }
        }

        foreach (var node in nodes)
        {
            await node.FillAsync("centos", 0);
        }

        await area.Oracle.CheckAsync(place: 0);
        await area.Oracle.CheckAsync(place: 1);
    }

    // A node remembers for a second which file a name stood for. Were a copy's name used again within that second, a node that renames
    // it would go on with the file it remembers, which by then is another host's disk.
    [DaemonTheory, SharedStorage]
    public async Task Nodes_that_take_copies_in_turn_never_take_the_same(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        string[] settings = ["--Storage:RescanInterval", "00:00:00.2"];
        Client[] nodes = [(await area.StartAtAsync(0, settings)).Client, (await area.StartAtAsync(1, settings)).Client];
        await Task.WhenAll(nodes.Select(node => node.FillAsync("centos", 2)));
        for (var round = 0; round < TortureSettings.Count(20, 120); round++)
        {
            foreach (var (node, number) in nodes.Select((node, number) => (node, number)))
            {
                (await node.SetImageAsync("centos", $"turn{round}-{number}")).Is(200);
                area.Oracle.Disk($"turn{round}-{number}", "centos");
            }
        }

        await Task.WhenAll(nodes.Select(node => node.FillAsync("centos", 0)));
        await area.Oracle.CheckAsync(place: 0);
        await area.Oracle.CheckAsync(place: 1);
    }

    [DaemonTheory, SharedStorage]
    public async Task Data_disks_of_one_host_and_size_get_names_of_their_own(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        Client[] nodes = [(await area.StartAtAsync(0)).Client, (await area.StartAtAsync(1)).Client];
        for (var round = 0; round < 10; round++)
        {
            var answers = await Task.WhenAll(nodes.Select(node => node.AddStorageAsync("web01", 1)));
            string[] files = [.. answers.Select(answer => answer.Is(200).GetProperty("disk").GetString()!)];
            Assert.NotEqual(files[0], files[1], StringComparer.Ordinal);
            Array.ForEach(files, area.Oracle.DataDisk);
        }

        await area.Oracle.CheckAsync(place: 2);
    }

    [DaemonTheory, SharedStorage]
    public async Task What_one_node_does_the_other_knows(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.LargeAsync());
        var (one, other) = ((await area.StartAtAsync(0)).Client, (await area.StartAtAsync(1)).Client);
        (await one.SetImageAsync("centos", "web01")).Is(200);
        (await other.SetImageAsync("centos", "web01")).Refuses(409, "host_exists");
        (await other.DeleteHostAsync("web01")).Is(200);

        // A node may remember a name for a second after another has deleted it.
        await Wait.UntilAsync("the hostname to be free on the other node too", async () =>
        {
            var answer = await one.SetImageAsync("centos", "web01");
            _ = answer.Status is 409 ? answer.Refuses(409, "host_exists") : answer.Is(200);
            return answer.Status is 200;
        }, seconds: 5);
        area.Oracle.Disk("web01", "centos");
        (await other.DeleteImageAsync("centos")).Is(200);
        Assert.Empty(await one.ImagesAsync());

        // As long as it remembers the template's, nobody can tell; it never succeeds.
        await Wait.UntilAsync("the template to be gone on the other node too", async () =>
        {
            var answer = await one.SetImageAsync("centos", "web02");
            answer.Refuses(answer.Status is 503 ? 503 : 404, "image_not_found", "storage_unavailable");
            return answer.Status is 404;
        }, seconds: 5);
    }

    [DaemonTheory, SharedStorage]
    public async Task Nodes_that_forget_a_level_at_once_both_have(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        Client[] nodes = [(await area.StartAtAsync(0)).Client, (await area.StartAtAsync(1)).Client];
        for (var round = 0; round < TortureSettings.Count(10, 200); round++)
        {
            (await nodes[round % nodes.Length].DupAsync("centos", 1)).Is(200);
            var answers = await Task.WhenAll(nodes.Select(node => node.DupAsync("centos", 0)));
            Array.ForEach(answers, answer => answer.Is(200));
        }
    }

    [DaemonTheory, SharedStorage]
    public async Task A_level_set_on_one_node_is_kept_by_a_daemon_on_another(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var one = await area.StartAtAsync(0);
        await one.Client.FillAsync("centos", 3);
        await one.KillAsync();

        var other = (await area.StartAtAsync(1)).Client;
        await other.PoolHoldsAsync("centos", 3);
        Assert.Equal("pool", (await other.SetImageAsync("centos", "web01")).Is(200).GetProperty("source").GetString());
        area.Oracle.Disk("web01", "centos");
        await other.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
    }
}
