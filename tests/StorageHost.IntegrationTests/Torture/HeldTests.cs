using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>QEMU opens a disk at the very moment at which it is deleted, here and on another node.</summary>
[Collection(LabTests.Name)]
public sealed class HeldTests(Lab lab, ITestOutputHelper output)
{
    private const int LongestHeadStart = 120; // ms: QEMU needs about half of it to open a disk
    private const int MoreHeadStart = 100; // ms, for each round more
    private const int MostMoreHeadStart = 2000;
    private const int MoreRounds = 30;

    [DaemonTheory]
    [InlineData(StorageKind.Xfs, 0)]
    [InlineData(StorageKind.Replica3, 1)]
    public async Task Either_QEMU_has_the_disk_or_it_is_deleted(StorageKind kind, int place)
    {
        var random = TortureSettings.Begin(output, $"{kind}");
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        var seen = new HashSet<(int Status, bool Held)>();
        var rounds = TortureSettings.Count(3, 100);

        // On a busy machine QEMU needs longer: it goes on, and gets more time, until it was seen to have a disk.
        for (var round = 0; round < rounds || (round < rounds + MoreRounds && !seen.Contains((409, true))); round++)
        {
            var host = string.Create(CultureInfo.InvariantCulture, $"web{round}");
            (await client.SetImageAsync("centos", host)).Is(200);
            area.Oracle.Disk(host, "centos");
            var guest = Shell.TryAsync(area.Places[place].Command(
                "qemu-io", "-f", "qcow2", "-c", "read 0 512", "-c", "sleep 3000", Path.Combine(area.Directory, $"{host}.qcow2")));
            await Task.Delay(random.Next(LongestHeadStart) + Math.Clamp((round - rounds + 1) * MoreHeadStart, 0, MostMoreHeadStart));
            var answer = await client.DeleteHostAsync(host);
            Assert.False(guest.IsCompletedSuccessfully && (await guest).ExitCode == 0, "QEMU ended before the answer came: the round shows nothing");
            var held = (await guest).ExitCode == 0;
            seen.Add((answer.Status, held));
            output.WriteLine($"{answer.Status}, {(held ? "held" : (await guest).Error.Trim())}");
            if (answer.Status == 200)
            {
                Assert.False(held, $"a disk was deleted that QEMU had open: {answer}");
                area.Oracle.NoDisk(host);
            }
            else
            {
                answer.Refuses(409, "disk_in_use");
            }
        }

        await area.Oracle.CheckAsync();
        Assert.Contains(seen, each => each is (409, true));
    }
}
