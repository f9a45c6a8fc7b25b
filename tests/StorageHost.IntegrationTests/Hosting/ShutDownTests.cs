using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Hosting;

[Collection(LabTests.Name)]
public sealed class ShutDownTests(Lab lab)
{
    [DaemonFact]
    public async Task Who_waits_when_the_daemon_stops_is_told_so_and_nothing_half_stays()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(160));
        var daemon = await area.StartAsync();
        await using (await Interceptor.SlowWritesAsync(daemon, area, 10))
        {
            (await daemon.Client.DupAsync("big", 4)).Is(200);
            var waiting = Enumerable.Range(1, 5).Select(number => daemon.Client.SetImageAsync("big", $"web0{number}")).ToArray();
            await Wait.UntilAsync("all to wait", async () => await daemon.Client.PoolAsync("big", "waiting") == waiting.Length);
            await daemon.Client.CopyingAsync("big", 1);

            Signal.Send(Signal.Terminate, daemon.Pid);
            foreach (var answer in await Task.WhenAll(waiting))
            {
                answer.Refuses(503, "shutting_down");
            }
        }

        Assert.Equal(0, await daemon.EndAsync());
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory, EveryStorage]
    public async Task An_idle_daemon_stops_at_once_and_leaves_only_what_is_meant_to_stay(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        await daemon.Client.FillAsync("centos", 1);
        Assert.Equal(0, await daemon.StopAsync(seconds: 15));
        await area.Oracle.CheckAsync();
    }
}
