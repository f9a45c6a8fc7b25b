using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.ImageStorages;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>
/// The file system of one brick of three stands still. Its server lives and answers pings, so nobody gives the brick up, and whatever
/// writes waits for it.
/// </summary>
[Collection(LabTests.Name)]
public sealed class FrozenBrickTests(Lab lab)
{
    private const string Name = "frozen";
    private const int Callers = 6;

    private static readonly string[] Settings = ["--Storage:RescanInterval", "00:00:01", "--Storage:TransferTimeout", "00:00:04"];

    [DaemonFact]
    public async Task Requests_end_in_their_time_the_status_tells_and_afterwards_nothing_is_lost_or_doubled()
    {
        await using var volume = await SickVolume.StartAsync(lab, Name, Settings);
        var (area, client) = (volume.Area, volume.Client);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await client.FillAsync("centos", 2);
        (await client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await client.PoolHoldsAsync("centos", 2);

        var brick = volume.Nodes[1].Brick;
        await Shell.RunAsync("fsfreeze", "-f", brick);
        try
        {
            await EveryAnswerIsTrueAsync(volume);
        }
        finally
        {
            await Shell.RunAsync("fsfreeze", "-u", brick);
        }

        await volume.Daemon.ReadyAsync();
        await volume.IsWellAsync();
        (await client.SetImageAsync("centos", "web02")).Is(200);
        area.Oracle.Disk("web02", "centos");
        await client.PoolHoldsAsync("centos", 2);
        await area.Oracle.CheckAsync();
    }

    private static async Task EveryAnswerIsTrueAsync(SickVolume volume)
    {
        var (client, oracle) = (volume.Client, volume.Area.Oracle);
        using var pulse = new Pulse(client.Address);
        var asked = Enumerable.Range(0, Callers).Select(number => $"frozen{number}")
            .Select(async host => (Host: host, Answer: await client.SetImageAsync("centos", host)));
        foreach (var (host, answer) in await Task.WhenAll(asked))
        {
            Assert.True(answer.Took.TotalSeconds < 10, $"two seconds for an operation, and: {answer}");
            if (answer.Status == 200)
            {
                oracle.Disk(host, "centos");
                continue;
            }

            answer.Refuses(answer.Status is 504 ? 504 : 503, "storage_unavailable", "storage_timeout");
            oracle.MayHaveDisk(host, "centos");
        }

        await Wait.UntilAsync("readiness to tell", async () => await client.GetAsync("/readyz") is { Status: 503 } answer
            && answer.Text.Contains("nothing can be written: the storage did not answer within 2 s", StringComparison.Ordinal));
        await volume.IsAsync("broken", "the storage did not answer within");
        Assert.Null(pulse.Fault);
        Assert.True(pulse.Slowest.TotalSeconds < 2, $"{pulse}");
    }
}
