using System.Net;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Security;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

/// <summary>System disks that are larger than their template.</summary>
[Collection(LabTests.Name)]
public sealed class DiskSizeTests(Lab lab)
{
    [DaemonTheory, EveryStorage, InlineData(StorageKind.PlainReplica3)]
    public async Task A_disk_has_the_size_that_was_asked_for(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.RoomyAsync());
        await area.PutTemplateAsync("tight", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("raw", await lab.Masters.LargeAsync());
        var client = (await area.StartAsync()).Client;

        // A miss, a hit, one whose tables move, a job, and a raw one.
        Assert.Equal("""{"hostname":"vm1","image":"centos","disk":"vm1.qcow2","source":"copy","size_gb":1,"linked":false}""", await AskAsync("vm1", "centos", 1));
        await client.FillAsync("centos", 2);
        Assert.Equal("""{"hostname":"vm2","image":"centos","disk":"vm2.qcow2","source":"pool","size_gb":1,"linked":false}""", await AskAsync("vm2", "centos", 1));
        await AskAsync("vm3", "centos", 100);
        if (kind == StorageKind.Xfs)
        {
            await AskAsync("vm4", "raw", 1);
            await AskAsync("vm7", "tight", 100);
        }
        else
        {
            // Other nodes remember how long a file was.
            (await client.SetImageAsync("raw", "vm4", 1)).Refuses(422, "image_rejected");
            (await client.SetImageAsync("tight", "vm7", 100)).Refuses(422, "image_rejected");
            await AskAsync("vm7", "tight", 1);
        }

        (await client.JobEndsAsync((await client.SetImageAsync("centos", "vm5", 7, async: true)).Location!)).Is(200);
        area.Oracle.SizedDisk("vm5", "centos", 7);

        // Without one nothing is different, in the answer either.
        var plain = (await client.PostAsync(new { action = "setimage", createvmform = new { image = "centos", hostname = "vm6", size = 0 } })).Is(200);
        Assert.DoesNotContain("size", plain.GetRawText(), StringComparison.Ordinal);
        area.Oracle.Disk("vm6", "centos");
        await client.PoolHoldsAsync("centos", 2);
        await area.Oracle.CheckAsync();

        async Task<string> AskAsync(string host, string image, int size)
        {
            var answer = (await client.SetImageAsync(image, host, size)).Is(200);
            area.Oracle.SizedDisk(host, image, size);
            return answer.GetRawText();
        }
    }

    [DaemonFact]
    public async Task A_size_that_does_not_fit_is_refused_and_nothing_is_touched()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("small", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("frozen", await SizedDisks.WithSnapshotAsync(await lab.Masters.SmallAsync()));
        var client = (await area.StartAsync()).Client;
        await client.FillAsync("small", 1);

        // 4 KiB clusters hold 8 TiB.
        foreach (var async in new[] { false, true })
        {
            var refused = await client.SetImageAsync("small", "web01", 65536, async);
            refused.Refuses(400, "invalid_payload");
            Assert.Contains("\"errors\":{\"createvmform.size\":[\"must be at most 8192: ", refused.Json.GetRawText(), StringComparison.Ordinal);
            (await client.SetImageAsync("frozen", "web01", 1, async)).Refuses(422, "image_rejected");
            (await client.SetImageAsync("none", "web01", 1, async)).Refuses(404, "image_not_found");
        }

        (await client.SetImageAsync("frozen", "web02")).Is(200);
        area.Oracle.Disk("web02", "frozen");
        await client.PoolHoldsAsync("small", 1);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_key_covers_the_size()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("small", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        await client.FillAsync("small", 2);
        var first = (await client.SetImageAsync("small", "web01", 1, key: "a")).Is(200).GetRawText();
        area.Oracle.SizedDisk("web01", "small", 1);
        Assert.Equal(first, (await client.SetImageAsync("small", "web01", 1, key: "a")).Is(200).GetRawText());
        (await client.SetImageAsync("small", "web01", 2, key: "a")).Refuses(409, "host_exists");
        (await client.SetImageAsync("small", "web01", key: "a")).Refuses(409, "host_exists");
        await client.PoolHoldsAsync("small", 2);
        await area.Oracle.CheckAsync();
    }

    /// <summary>On one connection of HTTP/2 as many requests are under way as on many of HTTP/1.1.</summary>
    [DaemonTheory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Two_hundred_hosts_at_once_get_disks_of_their_sizes(string version)
    {
        await using var secured = await Secured.StartAsync(lab);
        var area = secured.Area;
        var client = version == "2.0" ? secured.With("controller01", version: HttpVersion.Version20) : secured.With("controller01");
        await client.FillAsync("centos", 5);
        var answers = await Task.WhenAll(Enumerable.Range(1, 200).Select(number => client.PostAsync(new
        {
            action = "setimage", createvmform = new { image = "centos", hostname = $"web{number}", size = Size(number) },
        })));
        foreach (var (answer, number) in answers.Select((answer, index) => (answer, index + 1)))
        {
            answer.Is(200);
            if (Size(number) == 0)
            {
                area.Oracle.Disk($"web{number}", "centos");
            }
            else
            {
                area.Oracle.SizedDisk($"web{number}", "centos", Size(number));
            }
        }

        await client.FillAsync("centos", 0);
        await area.Oracle.CheckAsync();

        static int Size(int number) => number % 4;
    }
}
