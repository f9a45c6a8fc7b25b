using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Cli;

/// <summary>Several servers, some of which do not answer.</summary>
[Collection(LabTests.Name)]
public sealed class FailoverTests(Lab lab)
{
    [DaemonFact]
    public async Task When_a_node_has_died_the_next_one_answers()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var (dead, alive) = (await area.StartAsync(), await area.StartAsync());
        var at = ClientRun.Servers(dead, alive);
        await dead.KillAsync();
        Assert.Contains("centos", await ClientRun.DoAsync(at, "template", "list"), StringComparison.Ordinal);
        await ClientRun.DoAsync(at, "disk", "create", "web01", "centos", "--wait");
        await ClientRun.DoAsync(at, "disk", "delete", "web01", "--yes");
        Assert.False(area.Has("web01.qcow2"));
    }

    [DaemonFact]
    public async Task A_disk_whose_answer_was_lost_is_made_once()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        await using var losing = new FakeServer("");
        var at = $"{losing.Address},{ClientRun.Servers(daemon)}";

        await ClientRun.DoAsync(at, "disk", "create", "web01", "centos", "--key", "order-1");
        await ClientRun.DoAsync(at, "disk", "create", "web01", "centos", "--key", "order-1");
        await ClientRun.DoAsync(at, "disk", "add", "web01", "1", "--key", "order-2");
        await ClientRun.DoAsync(at, "disk", "add", "web01", "1", "--key", "order-2");
        Assert.Contains(losing.Requests, request => request.Contains("Idempotency-Key: order-1", StringComparison.Ordinal));
        Assert.False(area.Has("web01_storage_1G_1"));

        var lost = await ClientRun.RunAsync(at, "disk", "delete", "web01", "--yes");
        Assert.Equal(75, lost.ExitCode);
        Assert.True(area.Has("web01.qcow2"));

        var unknown = await ClientRun.RunAsync(losing.Address, "disk", "create", "web02", "centos", "--key", "order-3");
        Assert.Equal(75, unknown.ExitCode);
        Assert.Contains("--key order-3", unknown.Error, StringComparison.Ordinal);
    }

    [DaemonFact]
    public async Task A_node_that_dies_while_a_disk_is_waited_for_is_not_the_end()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(500));
        var (first, second) = (await area.StartAsync(), await area.StartAsync());
        var run = ClientRun.Start(ClientRun.Servers(first, second), "disk", "create", "web01", "big", "--wait");
        await first.Client.CopyingAsync("big", 1);
        await first.KillAsync();
        var said = await run.EndAsync();
        Assert.True(said.ExitCode == 0, said.Error);
        area.Oracle.Disk("web01", "big");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Events_go_on_at_the_next_node()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var (first, second) = (await area.StartAsync(), await area.StartAsync());
        var run = ClientRun.Start(ClientRun.Servers(first, second), "events", "--type", "volume");
        await Wait.UntilAsync("somebody to read the events", async () =>
            (await first.Client.GetAsync("/metrics")).Text.Contains("route=\"/events\"", StringComparison.Ordinal)
            || (await first.Client.GetAsync("/metrics")).Text.Contains("/imagestorages", StringComparison.Ordinal));
        await Task.Delay(TimeSpan.FromSeconds(1));
        await first.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(3));
        run.Interrupt();
        var said = await run.EndAsync();
        Assert.Equal(2, said.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("connecting again", said.Error, StringComparison.Ordinal);
    }
}
