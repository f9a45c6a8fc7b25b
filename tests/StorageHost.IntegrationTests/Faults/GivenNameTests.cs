using System.Globalization;
using StorageHost.IntegrationTests.Fixtures;
using StorageHost.IntegrationTests.Interception;
using Xunit;

namespace StorageHost.IntegrationTests.Faults;

/// <summary>
/// A name that was given is never taken back, whatever becomes of the calls that give it: late, failing, or failing although they were made. No
/// file is two hosts' disk, nothing that was acknowledged goes, and no disk is taken from under a guest.
/// </summary>
[Collection(LabTests.Name)]
public sealed class GivenNameTests(Lab lab)
{
    private const string Disk = "web01.qcow2";
    private static readonly string[] Quick = ["--Storage:RescanInterval", "00:00:01", "--Storage:OperationTimeout", "00:00:04"];

    /// <summary>Past the deadline.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(6);

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task A_guest_keeps_the_disk_whose_fsync_hung_past_the_deadline(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await ServedAsync(area, 0);
        HeldDisk guest;
        ulong inode;
        await using (await Fault.DelayAsync(daemon, "fsync", Late))
        {
            (await daemon.Client.SetImageAsync("centos", "web01")).Refuses(504, "storage_timeout");
            inode = await InodeAsync(area, Disk);
            guest = await HeldDisk.OpenAsync(area, Disk);
        }

        await using (guest)
        {
            await Task.WhenAll(Enumerable.Range(2, 3).Select(number => DoneAsync(area, daemon, $"web0{number}")));
            area.Oracle.Disk("web01", "centos");
            await daemon.Client.PoolHoldsAsync("centos", 3);
            await area.Oracle.CheckAsync();
            Assert.Equal(inode, await InodeAsync(area, Disk));
            (await daemon.Client.DeleteHostAsync("web01")).Refuses(409, "disk_in_use");
        }
    }

    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task A_disk_that_another_daemon_acknowledged_to_a_retry_outlives_the_failure_of_the_first_try(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await ServedAsync(area, 0);
        var other = await area.StartAtAsync(area.Places.Count - 1, Quick);
        await using var late = await LateAsync(daemon, area, "fsync", Verdict.Fail(Error.Named("EIO").Number));
        var first = daemon.Client.SetImageAsync("centos", "web01", key: "a");
        await late.Held;
        (await other.Client.SetImageAsync("centos", "web01", key: "a")).Is(200);
        area.Oracle.Disk("web01", "centos");
        var inode = await InodeAsync(area, Disk);
        late.GoOn();
        Assert.True((await first).Status is 503 or 504, (await first).ToString());
        await daemon.Client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
        Assert.Equal(inode, await InodeAsync(area, Disk));
        await Verbs.DoneAsync(() => daemon.Client.SetImageAsync("centos", "web01", key: "a"));
    }

    /// <summary>
    /// As another daemon does that takes this one for dead: the private name goes to a pool, and from there to another host. On Gluster this node
    /// still links the file that it remembers.
    /// </summary>
    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    [InlineData(StorageKind.Distribute)]
    public async Task A_claim_that_became_another_hosts_disk_stays_that_hosts(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await ServedAsync(area, 0);
        var place = area.Places[^1];
        var moved = false;
        await using (await Interceptor.AttachAsync(daemon, area.Directory, async call =>
        {
            if (call is { Name: "linkat", Target: Disk } && !moved)
            {
                moved = true;
                await place.RunAsync("mv", $"{area.Directory}/{call.File}", $"{area.Directory}/web02.qcow2");
            }

            return Verdict.Pass;
        }))
        {
            (await daemon.Client.SetImageAsync("centos", "web01")).Is(200);
        }

        Assert.True(moved);
        area.Oracle.Disk("web01", "centos");
        area.Oracle.Disk("web02", "centos");
        await daemon.Client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync(place: area.Places.Count - 1);
    }

    /// <summary>The same, and the other daemon has given it the very name that this one is about to give.</summary>
    [DaemonTheory]
    [InlineData(StorageKind.PlainXfs)]
    [InlineData(StorageKind.Replica3)]
    public async Task A_claim_that_another_daemon_published_under_the_same_name_is_its_disk(StorageKind kind)
    {
        await using var area = await lab.AreaAsync(kind);
        var daemon = await ServedAsync(area, 0);
        var inode = 0UL;
        await using (await Interceptor.AttachAsync(daemon, area.Directory, async call =>
        {
            if (call is { Name: "linkat", Target: Disk } && inode == 0)
            {
                await area.Places[^1].RunAsync("mv", $"{area.Directory}/{call.File}", $"{area.Directory}/{Disk}");
                inode = await InodeAsync(area, Disk);
            }

            return Verdict.Pass;
        }))
        {
            var answer = await daemon.Client.SetImageAsync("centos", "web01");
            Assert.True(answer.Status is 200 or 409, answer.ToString());
        }

        area.Oracle.Disk("web01", "centos");
        await daemon.Client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
        Assert.Equal(inode, await InodeAsync(area, Disk));
    }

    [DaemonTheory]
    [InlineData("linkat", "EIO", false, 503, false)]
    [InlineData("linkat", "EIO", true, 503, true)]
    [InlineData("linkat", "ENOTCONN", true, 200, true)] // tried again: the name is its own
    [InlineData("linkat", "EEXIST", true, 200, true)] // as when a request is sent twice
    [InlineData("linkat", "ENOSPC", false, 507, false)]
    [InlineData("fsync", "EIO", false, 503, true)]
    [InlineData("fsync", "EIO", true, 503, true)]
    [InlineData("fsync", "ENOSPC", false, 507, true)]
    [InlineData("unlinkat", "EIO", false, 503, true)]
    [InlineData("unlinkat", "EIO", true, 503, true)]
    [InlineData("unlinkat", "ENOENT", true, 200, true)] // done, and denied
    [InlineData("unlinkat", "ENOTCONN", true, 200, true)]
    public async Task A_call_that_fails_leaves_the_disk_whole_or_not_there(string name, string error, bool isMade, int status, bool isThere)
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var daemon = await ServedAsync(area, 0);
        var errno = error switch { "EEXIST" => 17, "ENOENT" => 2, _ => Error.Named(error).Number };
        var (isLinking, isStruck) = (false, false);
        await using (await Interceptor.AttachAsync(daemon, area.Directory, call =>
        {
            isLinking |= call is { Name: "linkat", Target: Disk };
            var strikes = isLinking && !isStruck && call.Name == name && call.File.Contains("claim-", StringComparison.Ordinal);
            isStruck |= strikes;
            return Task.FromResult(!strikes ? Verdict.Pass : isMade ? Verdict.MakeAndFail(errno) : Verdict.Fail(errno));
        }))
        {
            var answer = await daemon.Client.SetImageAsync("centos", "web01", key: "a");
            Assert.True(answer.Status == status, answer.ToString());
        }

        Assert.True(isStruck, "no call was made to fail: the test shows nothing");
        Assert.Equal(isThere, area.Has(Disk));
        var inode = isThere ? await InodeAsync(area, Disk) : 0;
        await Verbs.DoneAsync(() => daemon.Client.SetImageAsync("centos", "web01", key: "a"));
        area.Oracle.Disk("web01", "centos");
        await daemon.Client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
        Assert.True(!isThere || inode == await InodeAsync(area, Disk), "the disk is another file now");
    }

    [DaemonTheory]
    [InlineData("linkat")]
    [InlineData("unlinkat")]
    public async Task A_call_that_comes_late_leaves_the_disk(string name)
    {
        await using var area = await lab.AreaAsync(StorageKind.PlainXfs);
        var daemon = await ServedAsync(area, 0);
        await using (await Fault.DelayAsync(daemon, name, Late))
        {
            (await daemon.Client.SetImageAsync("centos", "web01")).Refuses(504, "storage_timeout");
        }

        await Wait.UntilAsync("the disk to be there", () => Task.FromResult(area.Has(Disk)));
        area.Oracle.Disk("web01", "centos");
        await daemon.Client.PoolHoldsAsync("centos", 3);
        await area.Oracle.CheckAsync();
    }

    private async Task<Daemon> ServedAsync(StorageArea area, int place)
    {
        await area.PutTemplateAsync("centos", await lab.Masters.SmallAsync());
        var daemon = await area.StartAtAsync(place, Quick);
        await daemon.Client.FillAsync("centos", 3);
        await DoneAsync(area, daemon, "web00");
        await daemon.Client.PoolHoldsAsync("centos", 3);
        await Wait.UntilAsync("copies to be claimed ahead", () => Task.FromResult(Directory.GetFiles(area.Seen(".storagehost"), "claim-*", SearchOption.AllDirectories).Length == 2));
        return daemon;
    }

    private static async Task DoneAsync(StorageArea area, Daemon daemon, string host)
    {
        await Verbs.DoneAsync(() => daemon.Client.SetImageAsync("centos", host));
        lock (area.Oracle)
        {
            area.Oracle.Disk(host, "centos");
        }
    }

    /// <summary>Holds the first call of that name from the link on.</summary>
    private static Task<LateCall> LateAsync(Daemon daemon, StorageArea area, string name, Verdict verdict)
    {
        var isLinking = false;
        return LateCall.HoldAsync(
            daemon,
            area.Directory,
            call => (isLinking |= call is { Name: "linkat", Target: Disk }) && call.Name == name && call.File.Contains("claim-", StringComparison.Ordinal),
            verdict);
    }

    private static async Task<ulong> InodeAsync(StorageArea area, string file) =>
        ulong.Parse(await Shell.RunAsync("stat", "-c", "%i", area.Seen(file)), CultureInfo.InvariantCulture);
}
