using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Races;

/// <summary>What the daemon rests on where a file lies in shards.</summary>
[Collection(LabTests.Name)]
public sealed class ShardTests(Lab lab)
{
    private const int Tries = 10;

    /// <summary>
    /// <c>unlink</c> decides by the count of names whether the shards go too, and a node may remember that count for a second: here the node that
    /// unlinks has just seen one name, and another node has given the file a second one since.
    /// </summary>
    [DaemonFact]
    public async Task A_file_that_loses_one_of_two_names_keeps_all_its_shards()
    {
        await using var area = await lab.AreaAsync(StorageKind.Replica3);
        var master = await lab.Masters.LargeAsync();
        for (var number = 0; number < Tries; number++)
        {
            var (one, other) = (number % area.Places.Count, (number + 1) % area.Places.Count);
            var (first, second) = (string.Create(CultureInfo.InvariantCulture, $"first{number}"), string.Create(CultureInfo.InvariantCulture, $"second{number}"));
            await Shell.RunAsync("cp", "--sparse=always", master, area.Seen(first, one));
            await Shell.RunAsync("sync", area.Seen(first, one));
            Assert.Equal("1", (await Shell.RunAsync("stat", "-c", "%h", area.Seen(first, one))).Trim());
            await Shell.RunAsync("ln", area.Seen(first, other), area.Seen(second, other));
            File.Delete(area.Seen(first, one));
            for (var place = 0; place < area.Places.Count; place++)
            {
                Assert.Null(Content.Difference(area.Seen(second, place), master));
            }
        }
    }
}
