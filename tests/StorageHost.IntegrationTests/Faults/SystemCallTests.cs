using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>System calls that fail: no success is said, and nothing stands under the final name.</summary>
[Collection(LabTests.Name)]
public sealed class SystemCallTests(Lab lab)
{
    private const string Sync = "fsync,fdatasync";
    private const string Link = "link,linkat";

    [DaemonTheory]
    [InlineData(Sync, "EIO", 503, "storage_unavailable")]
    [InlineData(Sync, "ENOSPC", 507, "no_space")]
    [InlineData(Sync, "EDQUOT", 507, "no_space")]
    [InlineData(Link, "EIO", 503, "storage_unavailable")]
    [InlineData(Link, "ENOTCONN", 503, "storage_unavailable")]
    [InlineData(Link, "ESTALE", 503, "storage_unavailable")]
    [InlineData(Link, "ENOSPC", 507, "no_space")]
    [InlineData("rename,renameat,renameat2", "EIO", 503, "storage_unavailable")]
    public async Task A_claim_that_the_storage_fails_is_no_success(string calls, string error, int status, string code)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:01");
        await daemon.Client.FillAsync("centos", 2);

        await using (var fault = await Fault.InjectAsync(daemon, calls, error))
        {
            (await daemon.Client.SetImageAsync("centos", "web01", key: "a")).Refuses(status, code);

            // What fails after the link leaves the outcome unknown, and the disk.
            Assert.Equal(calls == Sync, area.Has("web01.qcow2"));
            Assert.True(fault.Injected > 0, "no call was made to fail: the test shows nothing");
        }

        (await daemon.Client.SetImageAsync("centos", "web01", key: "a")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await daemon.Client.PoolHoldsAsync("centos", 2);
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory]
    [InlineData(Sync, "EIO", 503)]
    [InlineData(Link, "EIO", 503)]
    [InlineData(Link, "ENOSPC", 507)]
    public async Task A_data_disk_that_the_storage_fails_is_not_there(string calls, string error, int status)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:01");
        await using (var fault = await Fault.InjectAsync(daemon, calls, error))
        {
            (await daemon.Client.AddStorageAsync("web01", 1)).Refuses(status);
            Assert.True(fault.Injected > 0, "no call was made to fail: the test shows nothing");
        }

        await area.Oracle.CheckAsync();
        (await daemon.Client.AddStorageAsync("web01", 1)).Is(200);
        area.Oracle.DataDisk("web01_storage_1G");
        await area.Oracle.CheckAsync();
    }

    [DaemonFact]
    public async Task A_copy_that_cannot_be_made_durable_is_not_offered_and_the_pool_recovers()
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:01");
        await using (var fault = await Fault.InjectAsync(daemon, Sync, "EIO"))
        {
            var answer = await daemon.Client.DupAsync("centos", 2);
            Assert.True(answer.Status is 200 or 503, answer.ToString());
            await Wait.UntilAsync("a call to be made to fail", () => Task.FromResult(fault.Injected > 0));
            Assert.DoesNotContain(await FoundFile.ListAsync(area.Seen()), file => file.ImageOfCopy is not null);
        }

        await daemon.Client.FillAsync("centos", 2);
        await area.Oracle.CheckAsync();
    }

    /// <summary>As a file in split-brain, or one without a right for the daemon.</summary>
    [DaemonTheory]
    [InlineData("EIO")]
    [InlineData("EACCES")]
    public async Task A_file_that_the_storage_will_not_give_hinders_nothing_else(string error)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        foreach (var image in new[] { "centos", "debian12", "rocky9" })
        {
            await area.PutTemplateAsync(image, await lab.Masters.SmallAsync());
        }

        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:00.5");
        foreach (var image in new[] { "centos", "debian12", "rocky9" })
        {
            await daemon.Client.FillAsync(image, 2);
        }

        var copy = (await FoundFile.ListAsync(area.Seen())).First(file => file.ImageOfCopy == "centos").Name;
        var own = Path.GetRelativePath(area.Seen(), Directory.GetDirectories(area.Seen(".storagehost"), "making", SearchOption.AllDirectories).Single());
        string[] withheld = [copy, ".storagehost/levels/debian12", "rocky9_template.img", own];
        var asked = 0;
        await using (await Interceptor.AttachAsync(daemon, area.Directory, call =>
        {
            asked += call is { Name: "fstatfs" } ? 1 : 0; // a look at the directory has come to its end
            return Task.FromResult(withheld.Contains(call.File) ? Verdict.Fail(error == "EIO" ? 5 : 13) : Verdict.Pass);
        }))
        {
            await Wait.UntilAsync("the directory to be read a few times", () => Task.FromResult(asked > 3));
            await daemon.ReadyAsync(seconds: 10);
            (await daemon.Client.SetImageAsync("centos", "web01")).Is(200);
            (await daemon.Client.SetImageAsync("rocky9", "web02")).Refuses(503, "storage_unavailable");
            Assert.All([.. withheld[..^1], Path.GetDirectoryName(own)], name => Assert.Contains($"{name} cannot be used and is left alone", daemon.Output, StringComparison.Ordinal));
        }

        area.Oracle.Disk("web01", "centos");
        foreach (var image in new[] { "centos", "debian12", "rocky9" })
        {
            await daemon.Client.PoolHoldsAsync(image, 2);
        }

        await area.Oracle.CheckAsync();
    }

    [DaemonTheory]
    [InlineData("EIO")]
    [InlineData("ENOTCONN")]
    [InlineData("ESTALE")]
    public async Task An_error_of_the_storage_is_never_taken_for_absence(string error)
    {
        await using var area = await lab.AreaAsync(StorageKind.Xfs);
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAsync("--Storage:RescanInterval", "00:00:01");
        (await daemon.Client.SetImageAsync("centos", "web01")).Is(200);
        area.Oracle.Disk("web01", "centos");
        await using (var fault = await Fault.InjectAsync(daemon, "unlink,unlinkat,statx,newfstatat,lstat,getdents64,openat", error))
        {
            foreach (var request in new[] { daemon.Client.DeleteHostAsync("web01"), daemon.Client.DeleteImageAsync("centos"), daemon.Client.GetAsync("/?target=images") })
            {
                (await request).Refuses(503, "storage_unavailable");
            }

            Assert.True(fault.Injected > 0, "no call was made to fail: the test shows nothing");
        }

        await area.Oracle.CheckAsync();
    }
}
