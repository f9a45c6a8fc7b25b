using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Races;

[Collection(LabTests.Name)]
public sealed class ThirtyAtOnceTests(Lab lab)
{
    [DaemonFact]
    public async Task Thirty_hosts_get_their_disk_with_five_copies_ready_and_memory_stays_small()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(40));
        var daemon = await area.StartAsync();
        await daemon.Client.FillAsync("big", 5, seconds: 120);

        string[] hosts = [.. Enumerable.Range(1, 30).Select(number => $"web{number:00}")];
        var answers = await Task.WhenAll(hosts.Select(host => daemon.Client.SetImageAsync("big", host)));
        foreach (var answer in answers)
        {
            area.Oracle.Disk(answer.Is(200).GetProperty("hostname").GetString()!, "big");
        }

        Assert.True(answers.Count(answer => answer.Json.GetProperty("source").GetString() is "pool") >= 5, "the ready copies are used");
        await daemon.Client.FillAsync("big", 0);
        Assert.True(daemon.PeakRss < 200_000_000, $"peak RSS was {daemon.PeakRss / 1_000_000} MB");
        await area.Oracle.CheckAsync();
    }
}
