using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Hosting;

[Collection(LabTests.Name)]
public sealed class LogTests(Lab lab)
{
    private const int Requests = 2000;
    private const int AtOnce = 50;

    [DaemonFact]
    public async Task A_reader_that_stops_reading_stops_nothing()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var pipe = area.Seen("unread");
        await Shell.RunAsync("mkfifo", pipe);
        await using var reader = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite); // else the daemon would wait for one
        var place = new Place(Place.Here.Address, ["sh", "-c", """pipe="$0"; exec "$@" >"$pipe" """, pipe], "");
        await using var daemon = Daemon.Launch(place, Path.Combine(Repository.Logs, "unread"), "--Storage:Directory", area.Directory);
        await daemon.ReadyAsync();

        for (var number = 0; number < Requests; number += AtOnce)
        {
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ => (await daemon.Client.GetAsync("/pools")).Is(200)));
        }

        // A pipe holds 64 KiB, which is some 600 lines, and the queue holds 4096.
        await Task.WhenAll(Enumerable.Range(0, 2 * Requests).Select(async _ => (await daemon.Client.GetAsync("/pools")).Is(200)));
        var metrics = (await daemon.Client.GetAsync("/metrics")).Text.Split('\n');
        Assert.DoesNotContain("storagehost_log_dropped_total 0", metrics, StringComparer.Ordinal);
        Assert.Contains(metrics, line => line.StartsWith("storagehost_log_dropped_total ", StringComparison.Ordinal));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [DaemonFact]
    public async Task A_claim_a_delete_and_every_request_stand_in_the_log()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync();
        (await daemon.Client.SetImageAsync("centos", "logged01")).Is(200);
        (await daemon.Client.DeleteHostAsync("logged01")).Is(200);
        var trace = (await daemon.Client.DeleteHostAsync("logged02")).Refuses(404, "host_not_found").GetProperty("trace_id").GetString()!;

        await Wait.UntilAsync("the log to tell all of it", () => Task.FromResult(
            daemon.Output.Split('\n') is var lines
            && lines.Any(line => line.Contains(trace, StringComparison.Ordinal) && line.Contains("404", StringComparison.Ordinal))
            && lines.Count(line => line.Contains("logged01", StringComparison.Ordinal)) >= 2), seconds: 5);
    }
}
