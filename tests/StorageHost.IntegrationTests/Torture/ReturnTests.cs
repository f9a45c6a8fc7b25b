using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;
using Xunit.Abstractions;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>What was deleted while a brick was away, and the brick comes back.</summary>
[Collection(LabTests.Name)]
public sealed class ReturnTests(Lab lab, ITestOutputHelper output)
{
    private const int Hosts = 25;
    private const string Name = "return";

    // How many files Gluster brings back is chance: up to a third of them, or none.
    private const int MostRounds = 5;

    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(10);

    private static readonly string[] Settings =
        ["--Storage:RequireMount", "fuse.glusterfs", "--Storage:RescanInterval", "00:00:01", "--Storage:OperationTimeout", "00:00:05", "--Gluster:PollInterval", "00:00:02"];

    /// <summary>
    /// A node joins the others one by one: the one that it joins first reaches its brick, and looks for names, while the other changes the directory
    /// without that brick. Gluster 10.3 brings back some of the names that are looked for.
    /// </summary>
    [DaemonFact]
    public async Task What_was_deleted_while_a_brick_was_away_is_deleted_again_and_a_new_disk_of_that_name_is_not()
    {
        var random = TortureSettings.Begin(output, nameof(ReturnTests));
        await using var volume = await OwnVolume.MakeAsync(lab, Name, pingTimeout: "5");
        var (area, nodes) = (volume.Area, volume.Cluster.Nodes);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var (clients, repeated) = (new List<Client>(), 0d);
        for (var place = 0; place < nodes.Count; place++)
        {
            clients.Add((await area.StartAtAsync(place, Settings)).Client);
        }

        for (var round = 0; round < TortureSettings.Count(1, 10) || (repeated == 0 && round < MostRounds); round++)
        {
            string[] hosts = [.. Enumerable.Range(0, Hosts).Select(host => $"web{round}-{host}")];
            await EachAsync(hosts, host => clients[1].AddStorageAsync(host, 1));
            await EachAsync(hosts, host => clients[1].SetImageAsync("centos", host));
            await nodes[0].CutOffAsync(nodes);
            await Wait.UntilAsync("the others to have given it up", () => Task.FromResult(!nodes[1].Reaches(Name, 0) && !nodes[2].Reaches(Name, 0)));
            await EachAsync(hosts, host => clients[1].DeleteHostAsync(host, purge: true));

            // One name in five is another disk's before the brick is back.
            string[] reused = [.. hosts.Where(_ => random.Next(5) == 0)];
            await EachAsync(reused, host => clients[1].AddStorageAsync(host, 1));
            Array.ForEach(reused, host => area.Oracle.DataDisk($"{host}_storage_1G"));

            await JoinOneByOneAsync(volume, hosts);
            var seen = await LookAsync(volume, () => hosts.Where(host => File.Exists(area.Seen($"{host}.qcow2", place: 1)) || (!reused.Contains(host, StringComparer.Ordinal) && File.Exists(area.Seen($"{host}_storage_1G", place: 1)))).ToArray());
            var again = Array.Find(seen, host => !reused.Contains(host, StringComparer.Ordinal)) ?? hosts.First(host => !reused.Contains(host, StringComparer.Ordinal));

            // Its name is taken for as long as it is back.
            await Wait.UntilAsync($"{again} to be free", async () => (await clients[1].SetImageAsync("centos", again)).Status == 200);
            area.Oracle.Disk(again, "centos");
            await area.Oracle.CheckAsync(place: 1, seconds: 30);
            await volume.Cluster.HealedAsync(Name);
            for (var place = 0; place < nodes.Count; place++)
            {
                await area.Oracle.CheckAsync(place, seconds: 20);
            }

            var former = repeated;
            repeated = await RepeatedAsync(clients);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round}: {seen.Length} hosts were seen again, {repeated - former} files were deleted again, {reused.Length + 1} names were given anew"));
        }

        Assert.True(repeated > 0, "nothing came back, so nothing was shown");
    }

    /// <summary>The first node joins the third while the second, which it does not reach yet, changes the directory, and then the second too.</summary>
    private static async Task JoinOneByOneAsync(OwnVolume volume, string[] hosts)
    {
        var (area, nodes) = (volume.Area, volume.Cluster.Nodes);
        var looking = Task.CompletedTask;
        using var stop = new CancellationTokenSource();
        var changing = Task.Run(async () =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                var file = area.Seen(string.Create(CultureInfo.InvariantCulture, $".change{number}"), place: 1);
                await File.WriteAllTextAsync(file, "");
                File.Delete(file);
            }
        });
        try
        {
            await nodes[0].JoinAsync([nodes[2]]);
            await Wait.UntilAsync("the third node to reach the brick of the first", () => Task.FromResult(nodes[2].Reaches(Name, 0)), seconds: 60);

            looking = Task.Run(() => Parallel.ForEach(
                hosts.SelectMany(host => new[] { $"{host}.qcow2", $"{host}_storage_1G" }), new ParallelOptions { MaxDegreeOfParallelism = 4 }, name => File.Exists(area.Seen(name, place: 2))));
            await Task.WhenAny(looking, Task.Delay(LongestLook));
        }
        finally
        {
            await stop.CancelAsync();
            await changing;
            await nodes[0].JoinAsync([nodes[1]]);
        }

        // A look may hang with the heal that it began, whose deletion the brick keeps for ever. An operator does the same (docs/operations.md).
        if (!looking.IsCompleted)
        {
            await nodes[0].KillBrickAsync(Name);
            await volume.Cluster.ReviveAsync(Name);
        }

        await looking;
        await Task.WhenAll(nodes.Select(node => node.ReachesBricksAsync(Name)));
    }

    // The same can befall the node that changed the directory.
    private static async Task<T> LookAsync<T>(OwnVolume volume, Func<T> look)
    {
        var looking = Task.Run(look);
        while (await Task.WhenAny(looking, Task.Delay(LongestLook)) != looking)
        {
            await volume.Cluster.HadToReviveAsync(Name);
        }

        return await looking;
    }

    private static Task EachAsync(string[] hosts, Func<string, Task<Answer>> ask) =>
        Parallel.ForEachAsync(hosts, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (host, _) => await Verbs.DoneAsync(() => ask(host)));

    private static async Task<double> RepeatedAsync(IEnumerable<Client> clients)
    {
        const string Series = "storagehost_deletions_repeated_total ";
        var sum = 0d;
        foreach (var client in clients)
        {
            var line = (await client.GetAsync("/metrics")).Text.Split('\n').Single(line => line.StartsWith(Series, StringComparison.Ordinal));
            sum += double.Parse(line[Series.Length..], CultureInfo.InvariantCulture);
        }

        return sum;
    }
}
