using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

[Collection(LabTests.Name)]
public sealed class GoneClientTests(Lab lab)
{
    private const string Request = """{"action":"setimage","createvmform":{"image":"big","hostname":"web01"}}""";

    [DaemonFact]
    public async Task Who_goes_away_while_waiting_leaves_nothing_under_the_hostname()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(160));
        var daemon = await area.StartAsync();
        var client = daemon.Client;
        using var gone = new CancellationTokenSource();
        await using (await Interceptor.SlowWritesAsync(daemon, area, 10))
        {
            var setting = client.SendAsync(HttpMethod.Post, "/", Request, gone: gone.Token);
            await client.CopyingAsync("big", 1);
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => setting);
            await client.PoolHoldsAsync("big", 0);
        }

        Assert.False(area.Has("web01.qcow2"));
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Who_goes_away_takes_nothing_from_those_who_stay()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(160));
        var daemon = await area.StartAsync();
        var client = daemon.Client;
        using var gone = new CancellationTokenSource();
        Task<Answer> staying;
        await using (await Interceptor.SlowWritesAsync(daemon, area))
        {
            var leaving = client.SendAsync(HttpMethod.Post, "/", Request, gone: gone.Token);
            await Wait.UntilAsync("the first to wait", async () => await client.PoolAsync("big", "waiting") == 1);
            staying = client.SetImageAsync("big", "web02");
            await Wait.UntilAsync("both to wait", async () => await client.PoolAsync("big", "waiting") == 2);
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
            await Wait.UntilAsync("only the second to wait", async () => await client.PoolAsync("big", "waiting") == 1);
        }

        (await staying).Is(200);
        area.Oracle.Disk("web02", "big");
        await client.PoolHoldsAsync("big", 0);
        await area.Oracle.CheckAsync();
    }
}
