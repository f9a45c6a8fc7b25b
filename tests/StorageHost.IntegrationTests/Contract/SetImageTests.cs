using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Contract;

[Collection(LabTests.Name)]
public sealed class SetImageTests(Lab lab)
{
    [DaemonTheory, EveryStorage, InlineData(StorageKind.PlainReplica3)]
    public async Task With_an_empty_pool_the_answer_comes_with_the_whole_disk(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("raw", await lab.Masters.SolidAsync(40));
        await area.PutTemplateAsync("sparse", await lab.Masters.SparseAsync());
        var client = (await area.StartAsync()).Client;
        Assert.Equal(["centos", "raw", "sparse"], await client.ImagesAsync());

        foreach (var image in new[] { "centos", "raw", "sparse" })
        {
            var disk = (await client.SetImageAsync(image, $"vm-{image}")).Is(200);
            Assert.Equal($"vm-{image}", disk.GetProperty("hostname").GetString());
            Assert.Equal(image, disk.GetProperty("image").GetString());
            Assert.Equal($"vm-{image}.qcow2", disk.GetProperty("disk").GetString());
            Assert.Equal("copy", disk.GetProperty("source").GetString());
            area.Oracle.Disk($"vm-{image}", image);
        }

        await area.Places[0].RunAsync("qemu-img", "check", "-f", "qcow2", Path.Combine(area.Directory, "vm-centos.qcow2"));
        await area.Oracle.CheckAsync();

        // Holes stay holes: 1 MiB of 256 is data.
        Assert.Equal("", await Shell.RunAsync("du", "-t", "32M", area.Seen("vm-sparse.qcow2")));
    }

    [DaemonTheory, EveryStorage]
    public async Task Who_does_not_wait_gets_a_job_that_makes_the_disk(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;

        var accepted = await client.SetImageAsync("centos", "web01", async: true);
        accepted.Is(202);
        Assert.StartsWith("/jobs/", accepted.Location?.ToString(), StringComparison.Ordinal);
        var job = (await client.JobEndsAsync(accepted.Location!)).Is(200);
        Assert.Equal("succeeded", job.State());
        Assert.Equal("centos", job.GetProperty("image").GetString());
        Assert.Equal(job.GetProperty("bytes_total").GetInt64(), job.GetProperty("bytes_done").GetInt64());
        Assert.Equal(1, job.GetProperty("copies_done").GetInt32());
        area.Oracle.Disk("web01", "centos");
        await area.Oracle.CheckAsync();

        (await client.SendAsync(HttpMethod.Delete, accepted.Location!.ToString())).Refuses(409, "job_conflict");
        (await client.GetAsync("/jobs/no-such-job")).Refuses(404, "job_not_found");
        (await client.SendAsync(HttpMethod.Delete, "/jobs/no-such-job")).Refuses(404, "job_not_found");
    }

    [DaemonTheory, EveryStorage]
    public async Task A_taken_hostname_is_refused_and_its_disk_left_alone(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        await area.PutTemplateAsync("debian12", await lab.Masters.SmallAsync("b"));
        var client = (await area.StartAsync()).Client;
        await client.FillAsync("debian12", 1);
        (await client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");

        (await client.SetImageAsync("centos", "web01")).Refuses(409, "host_exists");
        (await client.SetImageAsync("debian12", "web01")).Refuses(409, "host_exists");
        (await client.SetImageAsync("nope", "web02")).Refuses(404, "image_not_found");
        await client.PoolHoldsAsync("debian12", 1);
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task Hostnames_of_every_shape_have_their_own_disks()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var client = (await area.StartAsync()).Client;
        foreach (var host in new[] { "web01", "WEB02", "9.a_b-c", new string('x', 100) })
        {
            (await client.SetImageAsync("centos", host)).Is(200);
            area.Oracle.Disk(host, "centos");
        }

        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_cancelled_job_leaves_no_disk()
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        await area.PutTemplateAsync("big", await lab.Masters.SolidAsync(160));
        var daemon = await area.StartAsync();
        var client = daemon.Client;
        await using var slow = await Interceptor.SlowWritesAsync(daemon, area, 10);
        var accepted = await client.SetImageAsync("big", "web01", async: true);
        accepted.Is(202);
        await client.CopyingAsync("big", 1);
        (await client.SendAsync(HttpMethod.Delete, accepted.Location!.ToString())).Is(200);
        Assert.Equal("cancelled", (await client.JobEndsAsync(accepted.Location!)).Is(200).State());
        await client.PoolHoldsAsync("big", 0);
        await area.Oracle.CheckAsync();
    }
}
