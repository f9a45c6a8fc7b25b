using System.Text.Json;
using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.ImageStorages;

/// <summary>Clusters that cannot be had here, by a program in gluster's place that prints what they were reported to say.</summary>
[Collection(LabTests.Name)]
public sealed class StandInTests(Lab lab)
{
    [DaemonTheory]
    [InlineData("peer-rejected", "vms degraded", "node1 node2 node3", "peer node3 is rejected")]
    [InlineData("tier", "tiered unknown, vms ok", "node1 node2 node3", "it is tiered, into hot and cold bricks")]
    [InlineData("3.6", "music degraded, test1 broken", "node1 node2", "3 entries wait to be healed")]
    public async Task What_was_reported_is_shown(string folder, string states, string hosts, string words)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var program = Path.Combine(Lab.Directory, $"gluster-{folder}");
        var answers = Path.Combine(Repository.Root, "tests/StorageHost.Tests/Gluster/Canned", folder);
        await File.WriteAllTextAsync(program, $$"""
            #!/bin/sh
            shift 2
            f={{answers}}/$(echo "$*" | tr ' ' '_')
            for e in xml txt; do [ -f "$f.$e" ] && exec cat "$f.$e"; done
            exit 1
            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var client = (await area.StartAsync([.. StorageView.Quick, "--Gluster:Path", program])).Client;

        var storage = default(JsonElement);
        await Wait.UntilAsync($"the cluster to read {states}", async () =>
        {
            storage = await client.StorageAsync();
            return states == string.Join(", ", storage.GetProperty(StorageView.Gluster).EnumerateArray().Select(Line));
        });
        Assert.Equal(hosts, string.Join(' ', storage.Strings("hosts")));
        Assert.Contains(storage.GetProperty(StorageView.Gluster).EnumerateArray(), volume => volume.Text("status_msg").Contains(words, StringComparison.Ordinal));
    }

    private static string Line(JsonElement volume) => $"{volume.Text("volume_id")} {volume.Text("status")}";
}
