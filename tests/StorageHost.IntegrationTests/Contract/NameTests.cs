using StorageHost.IntegrationTests.Fixtures;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>Names that are two on disk and one in DNS.</summary>
[Collection(LabTests.Name)]
public sealed class NameTests(Lab lab)
{
    [DaemonFact]
    public async Task Names_that_DNS_takes_for_one_another_are_not_given_to_two_hosts()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await Shell.RunAsync("cp", await lab.Masters.SmallAsync(), area.Seen("Mail.qcow2"));
        await Shell.RunAsync("cp", await lab.Masters.SmallAsync(), area.Seen("old..qcow2"));
        area.Oracle.MayHaveDisk("Mail", "centos");
        var client = (await area.StartAsync("--Storage:IndexInterval", "00:00:00.5")).Client;

        (await client.AddStorageAsync("web01.", 1)).Refuses(400, "invalid_payload");
        (await client.SetImageAsync("centos", "web01.")).Refuses(400, "invalid_payload");
        (await client.SetImageAsync("centos.", "web01")).Refuses(400, "invalid_payload");
        (await client.DeleteHostAsync("old.")).Is(200);

        await Wait.UntilAsync("the index to be read", async () => (await client.GetAsync("/imagestorages/internal")).Text.Contains("\"Mail\"", StringComparison.Ordinal));
        (await client.SetImageAsync("centos", "mail")).Refuses(409, "host_exists");
        (await client.AddStorageAsync("MAIL", 1)).Refuses(409, "host_exists");
        (await client.SetImageAsync("centos", "Web02")).Is(200);
        area.Oracle.Disk("Web02", "centos");
        (await client.SetImageAsync("centos", "web02")).Refuses(409, "host_exists");

        // What is there in one spelling goes on, and what is gone stands in nobody's way.
        area.Oracle.DataDisk((await client.AddStorageAsync("Mail", 1)).Is(200).GetProperty("disk").GetString()!);
        (await client.DeleteHostAsync("Web02")).Is(200);
        area.Oracle.NoDisk("Web02");
        (await client.SetImageAsync("centos", "web02")).Is(200);
        area.Oracle.Disk("web02", "centos");
        await area.Oracle.CheckAsync();
    }
}
