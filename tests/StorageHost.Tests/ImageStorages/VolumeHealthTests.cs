using StorageHost.Files.Session;
using StorageHost.ImageStorages;
using Xunit;

namespace StorageHost.Tests.ImageStorages;

/// <summary>Each rule with its words, and what several of them say together.</summary>
public sealed class VolumeHealthTests
{
    private readonly VolumeHealth health = new(new StorageOptions { ReservePercent = 5 });

    public static TheoryData<string, bool?[], int, int, string, string> Bricks => new()
    {
        { "all are up", [true, true, true], 3, 2, "ok", "" },
        { "one of three", [true, false, true], 3, 2, "degraded", "brick n2:/b is down" },
        { "two of three", [false, true, false], 3, 2, "broken", "bricks n1:/b, n3:/b are down: quorum is lost" },
        { "two of three without quorum", [false, true, false], 3, 1, "degraded", "bricks n1:/b, n3:/b are down" },
        { "all", [false, false, false], 3, 1, "broken", "bricks n1:/b, n2:/b, n3:/b are down: quorum is lost" },
        { "distributed", [true, false, true], 1, 1, "broken", "brick n2:/b is down: its files cannot be reached" },
        { "one of each set", [false, true, true, true, true, false], 3, 2, "degraded", "brick n1:/b is down; brick n6:/b is down" },
        { "the worse set first", [false, true, true, true, false, false], 3, 2, "broken", "bricks n5:/b, n6:/b are down: quorum is lost; brick n1:/b is down" },
        { "more than are named", [false, false, false, false, false, true], 6, 4, "broken", "bricks n1:/b, n2:/b, n3:/b and 2 more are down: quorum is lost" },
        { "one could not be asked", [true, null, true], 3, 2, "degraded", "brick n2:/b could not be asked" },
        { "two could not", [true, null, null], 3, 2, "broken", "bricks n2:/b, n3:/b could not be asked: too few are known to be up for quorum" },
        { "none could", [null, null, null], 3, 1, "broken", "bricks n1:/b, n2:/b, n3:/b could not be asked: too few are known to be up for quorum" },
        { "distributed, one could not", [true, null], 1, 1, "broken", "brick n2:/b could not be asked: its files may be out of reach" },
        { "one is down, one could not", [false, null, true], 3, 1, "degraded", "brick n1:/b is down and brick n2:/b could not be asked" },
        { "two are down, one could not", [false, null, false], 3, 2, "broken", "bricks n1:/b, n3:/b are down and brick n2:/b could not be asked: quorum is lost" },
    };

    [Theory, MemberData(nameof(Bricks))]
    public void Bricks_that_are_down(string what, bool?[] online, int setSize, int needed, string status, string message)
    {
        var volume = Known.WithBricks(Known.Volume(bricks: online.Length, setSize: setSize, needed: needed), online);
        Assert.Equal((what, status, message), (what, Status(Of(volume)), Of(volume).Message));
    }

    [Fact]
    public void A_stopped_volume_says_only_that()
    {
        var stopped = Known.WithBricks(Known.Volume(), false, false, false) with { IsStarted = false };
        Assert.Equal(new Health(VolumeStatus.Broken, "the volume is stopped"), Of(stopped));
    }

    [Fact]
    public void Entries_that_wait_for_healing_degrade_and_those_in_split_brain_break()
    {
        Assert.Equal(new Health(VolumeStatus.Degraded, "3 entries wait to be healed"), Of(Known.Volume() with { HealPending = 3 }));
        Assert.Equal(new Health(VolumeStatus.Broken, "2 entries are in split-brain"), Of(Known.Volume() with { SplitBrain = 2 }));
        Assert.Equal(Health.Fine, Of(Known.Volume() with { HealPending = null, SplitBrain = null }));
    }

    [Theory]
    [InlineData(1, "disk with a second name on the same file: web1.qcow2")]
    [InlineData(2, "disks with a second name on the same file: web1.qcow2, web2.qcow2")]
    [InlineData(7, "disks with a second name on the same file: web1.qcow2, web2.qcow2, web3.qcow2 and 4 more")]
    public void A_disk_that_may_be_two_hosts_degrades_and_is_named(int disks, string message)
    {
        var directory = Known.Directory("xfs", "/dev/sdb1") with { MultiLinked = [.. Enumerable.Range(1, disks).Select(disk => $"web{disk}.qcow2")] };
        Assert.Equal(new Health(VolumeStatus.Degraded, message), health.OfDirectory(Known.Fresh(directory)));
    }

    [Fact]
    public void A_node_that_is_not_reached_degrades_the_volumes_that_have_bricks_there_and_no_others()
    {
        var cluster = Known.Fresh(new GlusterCluster([new("n1", true), new("n2", false), new("n9", false)], []));
        Assert.Equal(
            new Health(VolumeStatus.Degraded, "brick n2:/b could not be asked; node n2 is not reached"), health.OfGluster(Known.Volume(), cluster));
        Assert.Equal(Health.Fine, health.OfGluster(Known.Volume(bricks: 1, setSize: 1, needed: 1), cluster));
    }

    [Fact]
    public void All_that_is_wrong_is_told_the_worst_first()
    {
        var cluster = Known.Stale(new GlusterCluster([new("n3", false)], []), "gluster hangs");
        var volume = Known.WithBricks(Known.Volume(), true, true, false) with { HealPending = 4, SplitBrain = 1 };
        Assert.Equal(
            new Health(
                VolumeStatus.Broken,
                $"1 entries are in split-brain; brick n3:/b is down; node n3 is not reached; 4 entries wait to be healed; gluster hangs{Known.AsOf}"),
            health.OfGluster(volume, cluster));
    }

    [Fact]
    public void Stale_facts_keep_their_status_and_say_of_when_they_are() => Assert.Equal(
        new Health(VolumeStatus.Ok, $"gluster hangs{Known.AsOf}"),
        health.OfGluster(Known.Volume(), Known.Stale(Known.ClusterOf().Value!, "gluster hangs")));

    [Fact]
    public void A_directory_that_cannot_be_looked_at_is_broken_with_the_reason_and_the_time_of_what_is_shown()
    {
        var facts = Known.Directory("xfs", "/dev/sdb");
        Assert.Equal(new Health(VolumeStatus.Broken, $"gone{Known.AsOf}"), health.OfDirectory(Known.Stale(facts, "gone")));
        Assert.Equal(new Health(VolumeStatus.Broken, "gone"), health.OfDirectory(new Facts<DirectoryFacts>(null, null, "gone")));
        Assert.Equal(new Health(VolumeStatus.Unknown, "the directory was not read yet"), health.OfDirectory(Facts<DirectoryFacts>.None));
        Assert.Equal(Health.Fine, health.OfDirectory(Known.Fresh(facts)));
    }

    [Theory]
    [InlineData(5 << 20, "ok", "")]
    [InlineData((5 << 20) - 1, "degraded", "4 MB are free, less than the reserve of 5 % (5 MB)")]
    [InlineData(0, "degraded", "0 MB are free, less than the reserve of 5 % (5 MB)")]
    public void A_directory_below_the_reserve_is_degraded(long free, string status, string message)
    {
        var state = health.OfDirectory(Known.Fresh(Known.Directory("xfs", "/dev/sdb") with { TotalBytes = 100 << 20, FreeBytes = free }));
        Assert.Equal((status, message), (Status(state), state.Message));
    }

    [Fact]
    public void The_worst_of_several_is_the_status_and_their_order_among_equals_stays()
    {
        Health[] states = [Health.Fine, new(VolumeStatus.Unknown, "u"), new(VolumeStatus.Degraded, "d1"), new(VolumeStatus.Broken, "b"), new(VolumeStatus.Degraded, "d2")];
        Assert.Equal(new Health(VolumeStatus.Broken, "b; d1; d2; u"), VolumeHealth.Worst(states));
        Assert.Equal(Health.Fine, VolumeHealth.Worst([Health.Fine, Health.Fine]));
    }

    private static string Status(Health state) => state.Status.ToString().ToLowerInvariant();

    private Health Of(GlusterVolume volume) => health.OfGluster(volume, Known.ClusterOf(volume));
}
