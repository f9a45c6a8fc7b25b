using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Hosting;

[Collection(LabTests.Name)]
public sealed class LogTests(Lab lab)
{
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
