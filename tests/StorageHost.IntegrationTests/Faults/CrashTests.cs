using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>SIGKILL at any moment, then a new start.</summary>
[Collection(LabTests.Name)]
public sealed class CrashTests(Lab lab)
{
    private const int MiB = 1 << 20;

    // Slow enough for the last tenth to be seen under way on any machine, and killed in it.
    private static readonly string[] Slow = ["--Pool:MaxBytesPerSecond", $"{64 * MiB}"];

    [DaemonFact]
    public async Task A_pool_that_was_being_filled_fills_again_by_itself()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(40));
        foreach (var share in new[] { 0.05, 0.3 + (Random.Shared.NextDouble() / 4), 0.9 })
        {
            var daemon = await area.StartAsync(Slow);
            (await daemon.Client.DupAsync("big", 3)).Is(200);
            await daemon.Client.CopyingAsync("big", (long)(share * 3 * 40 * MiB));
            await daemon.KillAsync();
            await area.Oracle.CopiesAreWholeAsync();

            var next = await area.StartAsync();
            await next.Client.PoolHoldsAsync("big", 3, seconds: 60);
            await area.Oracle.CheckAsync();
            await next.Client.FillAsync("big", 0);
            await next.StopAsync();
        }
    }

    [DaemonFact]
    public async Task A_disk_that_was_being_made_is_whole_or_not_there()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(80));
        var round = 0;
        foreach (var share in new[] { 0.0, 0.2 + (Random.Shared.NextDouble() / 2), 0.9 })
        {
            var daemon = await area.StartAsync();
            var host = $"web0{++round}";
            Task<Answer> setting;
            await using (await Interceptor.SlowWritesAsync(daemon, area))
            {
                setting = daemon.Client.SetImageAsync("big", host);
                await daemon.Client.CopyingAsync("big", (long)(share * 80 * MiB));
                daemon.Kill();
            }

            await daemon.KillAsync();
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => setting);
            NoteDisk(area, host, "big");

            var next = await area.StartAsync();
            await area.Oracle.CheckAsync();
            var again = await next.Client.SetImageAsync("big", host);
            _ = again.Status == 409 ? again.Refuses(409, "host_exists") : again.Is(200);
            area.Oracle.Disk(host, "big");
            await area.Oracle.CheckAsync();
            await next.StopAsync();
        }
    }

    [DaemonTheory, EveryStorage]
    public async Task In_a_burst_of_claims_no_disk_is_lost_doubled_or_half_there(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        for (var round = 0; round < 2; round++)
        {
            var daemon = await area.StartAsync();
            await daemon.Client.FillAsync("centos", 10);
            string[] hosts = [.. Enumerable.Range(0, 24).Select(number => $"r{round}-{number}")];
            var answered = 0;
            var enough = Random.Shared.Next(1, 16);
            var killed = new TaskCompletionSource();
            var setting = hosts.Select(async host =>
            {
                var status = await StatusAsync(daemon.Client, host);
                if (status == 200 && Interlocked.Increment(ref answered) == enough)
                {
                    await daemon.KillAsync();
                    killed.SetResult();
                }

                return status;
            }).ToArray();
            await killed.Task;
            var acknowledged = await Task.WhenAll(setting);
            foreach (var (host, status) in hosts.Zip(acknowledged))
            {
                Assert.True(status != 200 || area.Has($"{host}.qcow2"), $"{host} was acknowledged and is lost");
                NoteDisk(area, host, "centos");
            }

            await area.Oracle.CopiesAreWholeAsync();
            var next = await area.StartAsync();
            await next.Client.PoolHoldsAsync("centos", 10);
            await area.Oracle.CheckAsync();
            await next.StopAsync();
        }
    }

    // A disk whose answer was lost may be there: the oracle then wants it whole.
    private static void NoteDisk(StorageArea area, string host, string image)
    {
        if (area.Has($"{host}.qcow2"))
        {
            area.Oracle.Disk(host, image);
        }
    }

    private static async Task<int> StatusAsync(Client client, string host)
    {
        try
        {
            return (await client.SetImageAsync("centos", host)).Status;
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }
}
