using System.Globalization;
using StorageHost.Gluster;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class ClusterStateTests
{
    private const string Gn2 = "036a9e83-6723-4b2b-ae1e-b9d44a16830d";
    private static readonly DateTimeOffset Later = Canned.Now.AddMinutes(5);

    [Theory]
    [InlineData("pool-list.xml", "gn2 gn3 gn1")]
    [InlineData("pool-list-gn2.xml", "gn1 gn3 gn2")]
    public void This_node_has_the_name_that_bricks_use(string list, string names)
    {
        var cluster = Canned.Knowledge(list).ToFacts(null).Value!;

        Assert.Equal(names, string.Join(' ', cluster.Nodes.Select(node => node.Name)));
        Assert.All(cluster.Nodes, node => Assert.True(node.IsConnected));
    }

    [Fact]
    public void Without_a_brick_it_has_its_own()
    {
        var knowledge = new ClusterState("me");
        knowledge.Learn(PeerList.Parse(Canned.Xml("pool-list.xml")).Items, [], Canned.Now);

        Assert.Equal("gn2 gn3 me", string.Join(' ', knowledge.ToFacts(null).Value!.Nodes.Select(node => node.Name)));
    }

    [Fact]
    public void A_peer_that_was_probed_by_another_name_has_the_bricks_too()
    {
        var knowledge = new ClusterState("me");
        knowledge.Learn([new Peer(Gn2, "10.0.0.2", IsConnected: true)], Canned.Layouts(), Canned.Now);

        var node = Assert.Single(knowledge.ToFacts(null).Value!.Nodes);
        Assert.Equal(("gn2", true), (node.Name, node.IsConnected));
        Assert.Equal(["gn2", "10.0.0.2"], node.Names);
    }

    [Fact]
    public void A_brick_whose_process_was_killed_is_offline()
    {
        var volume = Canned.Knowledge(status: "volume-status-brick-killed.xml").Volume("rep3");

        Assert.Equal(
            [new("gn1", "/data/brick1/rep31", true, false), new("gn2", "/data/brick2/rep31", false, false), new("gn3", "/data/brick3/rep31", true, false)],
            volume.Bricks);
        Assert.Equal("gn2:/data/brick2/rep31", volume.Bricks[1].ToString());
    }

    [Fact]
    public void A_node_whose_daemon_is_down_is_not_connected_and_its_bricks_are_unknown()
    {
        var knowledge = Canned.Knowledge("pool-list-peer-down.xml", "volume-status-peer-down.xml");

        Assert.Equal("gn3", Assert.Single(knowledge.ToFacts(null).Value!.Nodes, node => !node.IsConnected).Name);
        Assert.Equal([true, true, null, true, true, null], knowledge.Volume("darb").Bricks.Select(brick => brick.IsOnline));
        Assert.Equal([false, false, true], knowledge.Volume("arb").Bricks.Select(brick => brick.IsArbiter));
        Assert.Equal(2080374784, knowledge.Volume("darb").TotalBytes);
        Assert.Null(knowledge.Volume("dist").TotalBytes);
    }

    [Theory]
    [InlineData("arb")]
    [InlineData("dd")]
    [InlineData("dis")]
    [InlineData("dist")]
    [InlineData("dr")]
    [InlineData("rep3")]
    public void Space_is_what_df_of_a_mount_shows(string name)
    {
        var df = Canned.Text("df.txt").Split('\n').Single(line => line.StartsWith($"gn1:/{name} ", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (size, available) = (long.Parse(df[1], CultureInfo.InvariantCulture), long.Parse(df[3], CultureInfo.InvariantCulture));

        var volume = Canned.Knowledge().Volume(name);

        Assert.Equal(size, volume.TotalBytes);
        Assert.InRange(volume.FreeBytes!.Value - available, 0.009 * size, 0.011 * size);
    }

    [Fact]
    public void An_arbiter_has_no_part_in_the_space()
    {
        var knowledge = Canned.Knowledge();
        var arbiter = Canned.Layout("arb").Bricks[2];
        var states = VolumeStatusList.Parse(Canned.Xml("volume-status.xml")).Items.Single(volume => volume.Name == "arb").Bricks;

        knowledge.Learn([new VolumeBricks("arb", [.. states.Select(state => state.NodeUuid == arbiter.NodeUuid ? state with { TotalBytes = 4096 } : state)])], Later);

        Assert.Equal(2080374784, knowledge.Volume("arb").TotalBytes);
    }

    [Fact]
    public void Space_beyond_all_numbers_is_the_largest_number()
    {
        var knowledge = Canned.Knowledge();
        var states = VolumeStatusList.Parse(Canned.Xml("volume-status.xml")).Items.Single(volume => volume.Name == "dist").Bricks;

        knowledge.Learn([new VolumeBricks("dist", [.. states.Select(state => state with { TotalBytes = long.MaxValue })])], Later);

        Assert.Equal(long.MaxValue, knowledge.Volume("dist").TotalBytes);
    }

    [Fact]
    public void Volumes_that_do_not_run_have_bricks_that_do_not_and_no_space()
    {
        var knowledge = Canned.Knowledge();

        foreach (var volume in new[] { knowledge.Volume("one"), knowledge.Volume("stopped"), knowledge.Volume("rd") })
        {
            Assert.False(volume.IsStarted);
            Assert.All(volume.Bricks, brick => Assert.False(brick.IsOnline));
        }

        Assert.Null(knowledge.Volume("rd").TotalBytes);
        Assert.Null(knowledge.Volume("rd").FreeBytes);
        Assert.Equal("tcp,rdma", knowledge.Volume("rd").Transport);
    }

    [Fact]
    public void Everything_that_is_fresh_is_from_now()
    {
        var facts = Canned.Knowledge().ToFacts(null);

        Assert.Equal((Canned.Now, null), (facts.TakenAt, facts.Problem));
        Assert.All(facts.Value!.Volumes.Where(volume => volume.IsStarted), volume => Assert.All(volume.Bricks, brick => Assert.True(brick.IsOnline)));
        Assert.Equal((1, true), (Canned.Knowledge().Volume("dr2").NeededInSet, Canned.Knowledge().Volume("dr2").FirstBrickBreaksTie));
    }

    [Fact]
    public void What_could_not_be_asked_again_stays_and_its_age_is_the_age_of_all()
    {
        var knowledge = Canned.Knowledge(status: "volume-status-brick-killed.xml");
        knowledge.Learn(PeerList.Parse(Canned.Xml("pool-list-peer-down.xml")).Items, Canned.Layouts(), Later);

        var facts = knowledge.ToFacts("it hung");

        Assert.Equal((Canned.Now, "it hung"), (facts.TakenAt, facts.Problem));
        Assert.Equal([true, false, null], knowledge.Volume("rep3").Bricks.Select(brick => brick.IsOnline));
        Assert.Contains(facts.Value!.Nodes, node => !node.IsConnected);
    }

    [Fact]
    public void A_volume_that_was_left_out_is_as_old_as_its_last_answer()
    {
        var knowledge = Canned.Knowledge();
        knowledge.Learn(PeerList.Parse(Canned.Xml("pool-list.xml")).Items, Canned.Layouts(), Later);
        knowledge.Learn(VolumeStatusList.Parse(Canned.Xml("volume-status-locked.xml")).Items, Later);

        Assert.Equal(Canned.Now, knowledge.ToFacts(null).TakenAt);
        Assert.All(knowledge.Volume("dist").Bricks, brick => Assert.True(brick.IsOnline));

        knowledge.Learn(VolumeStatusList.Parse(Canned.Xml("volume-status.xml")).Items, Later);
        Assert.Equal(Later, knowledge.ToFacts(null).TakenAt);
    }

    [Fact]
    public void What_was_never_asked_is_unknown_and_has_no_age()
    {
        var knowledge = new ClusterState("me");
        knowledge.Learn(PeerList.Parse(Canned.Xml("pool-list.xml")).Items, Canned.Layouts(), Later);

        Assert.Equal(Later, knowledge.ToFacts("busy").TakenAt);
        Assert.All(knowledge.Volume("rep3").Bricks, brick => Assert.Null(brick.IsOnline));
        Assert.Null(knowledge.Volume("rep3").HealPending);
    }

    [Fact]
    public void What_was_known_of_a_volume_before_it_stopped_is_forgotten()
    {
        var knowledge = Canned.Knowledge();
        var (rep3, stopped) = (Canned.Layout("rep3"), Canned.Layout("rep3") with { IsStarted = false });
        knowledge.Learn(rep3, new HealCounts(7, 1), Canned.Now);
        Assert.Equal((7, 1), (knowledge.Volume("rep3").HealPending, knowledge.Volume("rep3").SplitBrain));

        knowledge.Learn([], [stopped], Later);
        knowledge.Learn([], [rep3], Later);

        Assert.Equal((null, null), (knowledge.Volume("rep3").HealPending, knowledge.Volume("rep3").Bricks[0].IsOnline));
        Assert.Equal(Later, knowledge.ToFacts(null).TakenAt);
    }

    [Fact]
    public void The_volume_whose_heals_were_asked_longest_ago_is_next()
    {
        var knowledge = Canned.Knowledge();
        Assert.Equal("arb darb dd dis dr dr2 rep2 rep3", Names());

        knowledge.Learn(Canned.Layout("arb"), new HealCounts(1, 0), Later);
        knowledge.Learn(Canned.Layout("dd"), new HealCounts(0, 1), Canned.Now);

        Assert.Equal("darb dis dr dr2 rep2 rep3 dd arb", Names());

        string Names() => string.Join(' ', knowledge.HealsDue(new HashSet<string>(StringComparer.Ordinal)).Select(volume => volume.Name));
    }
}
