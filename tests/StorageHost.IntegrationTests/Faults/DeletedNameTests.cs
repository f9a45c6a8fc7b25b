using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>A deletion takes the file that it was asked about, and never the new disk that has got the name meanwhile.</summary>
[Collection(LabTests.Name)]
public sealed class DeletedNameTests(Lab lab)
{
    private const string Disk = "web01.qcow2";

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    [InlineData(StorageKind.Distribute)]
    public async Task Of_two_deletions_the_later_one_leaves_the_new_disk_to_its_guest(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var (daemon, other) = await ServedAsync(area);

        // It has opened the disk, and is about to lock it.
        await using var late = await LateCall.HoldAsync(daemon, area.Directory, call => call is { Name: "fcntl", File: Disk }, Verdict.Pass);
        var first = daemon.Client.DeleteHostAsync("web01");
        await late.Held;
        (await other.Client.DeleteHostAsync("web01")).Is(200);
        await Verbs.DoneAsync(() => other.Client.SetImageAsync("centos", "web01"));
        await using var guest = await HeldDisk.OpenAsync(area, Disk, area.Places.Count - 1);
        late.GoOn();
        (await first).Refuses(409, "disk_in_use");
        area.Oracle.Disk("web01", "centos");
        await area.Oracle.CheckAsync();
    }

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    [InlineData(StorageKind.Distribute)]
    public async Task While_a_disk_is_being_deleted_nobody_else_frees_its_name(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var (daemon, other) = await ServedAsync(area);
        await using var late = await LateCall.HoldAsync(daemon, area.Directory, call => call is { Name: "unlinkat", File: Disk }, Verdict.Pass);
        var first = daemon.Client.DeleteHostAsync("web01");
        await late.Held;
        (await other.Client.DeleteHostAsync("web01")).Refuses(409, "disk_in_use");
        (await other.Client.SetImageAsync("centos", "web01")).Refuses(409, "host_exists");
        late.GoOn();
        (await first).Is(200);
        (await other.Client.DeleteHostAsync("web01")).Refuses(404, "host_not_found");
        area.Oracle.NoDisk("web01");
        await area.Oracle.CheckAsync();
    }

    /// <summary>The first try does nothing and says so; before the second one another daemon could have deleted the disk.</summary>
    [DaemonFact]
    public async Task Of_two_deletions_at_once_one_has_deleted_the_disk()
    {
        await using var area = await lab.AreaAsync(StorageKind.Replica3);
        var (daemon, other) = await ServedAsync(area);
        await using var late = await LateCall.HoldAsync(
            daemon, area.Directory, call => call is { Name: "unlinkat", File: Disk }, Verdict.Fail(Error.Named("ENOTCONN").Number));
        var first = daemon.Client.DeleteHostAsync("web01");
        await late.Held;
        var second = other.Client.DeleteHostAsync("web01");
        late.GoOn();
        Assert.True((await first).Status == 200 && (await second).Status == 404, $"{await first}; {await second}");
        area.Oracle.NoDisk("web01");
        await area.Oracle.CheckAsync();
    }

    private async Task<(Daemon Daemon, Daemon Other)> ServedAsync(StorageArea area)
    {
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAtAsync(0, "--Storage:RescanInterval", "01:00:00");
        var other = await area.StartAtAsync(area.Places.Count - 1, "--Storage:RescanInterval", "01:00:00");
        await Verbs.DoneAsync(() => other.Client.SetImageAsync("centos", "web01"));
        area.Oracle.Disk("web01", "centos");
        return (daemon, other);
    }
}
