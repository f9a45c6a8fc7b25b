using System.Text.RegularExpressions;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Torture;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Races;

/// <summary>
/// The bricks forget the locks by which two daemons show each other that they live, while both claim without pause: each takes the other for
/// dead again and again, and recovers what it is just publishing.
/// </summary>
[Collection(LabTests.Name)]
public sealed class ForgottenLockTests(Lab lab, ITestOutputHelper output)
{
    private const int Callers = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(150);

    [DaemonFact]
    public async Task Daemons_that_recover_each_other_while_they_live_lose_and_double_nothing()
    {
        await using var volume = await OwnVolume.MakeAsync(lab, "forgets", "5");
        var area = volume.Area;
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        string[] settings = ["--Storage:RequireMount", "fuse.glusterfs", "--Storage:RescanInterval", "00:00:00.3"];
        Client[] nodes = [(await area.StartAtAsync(0, settings)).Client, (await area.StartAtAsync(1, settings)).Client];
        await nodes[0].FillAsync("centos", 6);
        var rounds = TortureSettings.Count(15, 300);
        using var over = new CancellationTokenSource();
        var forgetting = ForgetAsync(volume, over.Token);
        var unknown = 0;
        for (var round = 0; round < rounds; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, nodes.Length * Callers).Select(async caller =>
            {
                // Every fourth caller of a node wants the same name as its like on the other.
                var host = caller / nodes.Length == 0 ? $"same{round}" : $"own{round}-{caller}";
                var answer = await nodes[caller % nodes.Length].SetImageAsync("centos", host);
                lock (area.Oracle)
                {
                    if (answer.Status == 200)
                    {
                        Assert.False(area.Oracle.Has($"{host}.qcow2"), $"{host} was acknowledged twice");
                        area.Oracle.Disk(host, "centos");
                    }
                    else if (answer.Status >= 500 && !area.Oracle.Files.Contains($"{host}.qcow2", StringComparer.Ordinal))
                    {
                        area.Oracle.MayHaveDisk(host, "centos");
                        unknown++;
                    }
                }
            }));
        }

        await over.CancelAsync();
        output.WriteLine($"{rounds} rounds, locks forgotten {await forgetting} times, {unknown} outcomes unknown");
        Assert.True(await forgetting > 0, "no lock was forgotten: the test shows nothing");
        await Task.WhenAll(nodes.Select(node => node.PoolHoldsAsync("centos", 6, seconds: 60)));
        await area.Oracle.CheckAsync(place: 0, seconds: 30);
        await area.Oracle.CheckAsync(place: 2, seconds: 30);
    }

    private static async Task<int> ForgetAsync(OwnVolume volume, CancellationToken over)
    {
        var forgotten = 0;
        while (!over.IsCancellationRequested)
        {
            foreach (var directory in Directory.GetDirectories(volume.Area.Seen(".storagehost")).Select(Path.GetFileName).Where(name => Guid.TryParseExact(name, "N", out _)))
            {
                var said = await volume.Cluster.Nodes[2].TryGlusterAsync("volume", "clear-locks", volume.Name, $"/.storagehost/{directory}/lock", "kind", "granted", "posix");
                forgotten += Regex.IsMatch(said.Output, "granted locks=[1-9]", RegexOptions.CultureInvariant) ? 1 : 0;
            }

            await Task.Delay(Pause, CancellationToken.None);
        }

        return forgotten;
    }
}
