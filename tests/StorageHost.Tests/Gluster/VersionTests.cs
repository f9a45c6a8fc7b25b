using Xunit;

namespace StorageHost.Tests.Gluster;

/// <summary>What the versions of Gluster say, each reduced to what differs: a sound cluster of nodes a to d reads the same in all of them.</summary>
public sealed class VersionTests
{
    private const string Peers = """
        <cliOutput><opRet>0</opRet><peerStatus>
        <peer><uuid>1</uuid><hostname>localhost</hostname><connected>1</connected></peer>
        <peer><uuid>2</uuid><hostname>b</hostname><connected>1</connected><state>3</state><stateStr>Peer in Cluster</stateStr></peer>
        <peer><uuid>3</uuid><hostname>c</hostname><connected>1</connected><state>3</state><stateStr>Peer in Cluster</stateStr></peer>
        <peer><uuid>4</uuid><hostname>d</hostname><connected>1</connected><state>3</state><stateStr>Peer in Cluster</stateStr></peer>
        </peerStatus></cliOutput>
        """;

    [Fact]
    public void Of_3_4_bricks_are_words_and_nodes_have_no_ids()
    {
        var told = Told.By(
            """
            <cliOutput><opRet>0</opRet><peerStatus>
            <peer><hostname>b</hostname><connected>1</connected></peer><peer><hostname>a</hostname><connected>1</connected></peer>
            </peerStatus></cliOutput>
            """,
            Info("""
            <volume><name>v</name><status>1</status><statusStr>Started</statusStr><brickCount>2</brickCount><distCount>2</distCount>
            <stripeCount>1</stripeCount><replicaCount>2</replicaCount><type>2</type><typeStr>Replicate</typeStr><transport>0</transport>
            <bricks><brick>a:/v</brick><brick>b:/v</brick></bricks><optCount>0</optCount></volume>
            """),
            StatusOf("v", "<node><hostname>a</hostname><path>/v</path><status>1</status><port>49152</port><pid>7</pid></node>"
                + "<node><hostname>b</hostname><path>/v</path><status>0</status><port>N/A</port><pid>-1</pid></node>"));

        Assert.Equal("v (Replicate, 1 x 2, tcp): degraded brick b:/v is down", told.Lines);
        Assert.Equal(["b", "a"], told.Answer.Hosts);
        Assert.Equal(["a:/v", "b:/v"], told.Answer.GlusterVolumes[0].Bricks);
    }

    [Fact]
    public void Of_3_6_nothing_is_said_of_arbiters()
    {
        var told = Told.By("3.6");

        Assert.Equal("music (Replicate, 1 x 2, tcp): ok\ntest1 (Distribute, 1, tcp): broken the volume is stopped", told.Lines);
        Assert.Equal(["node1", "node2"], told.Answer.Hosts);
        Assert.Equal(20507914240 >> 10, told.Answer.GlusterVolumes[0].TotalSpace);
    }

    [Fact]
    public void Of_3_7_arbiters_are_the_last_of_their_sets()
    {
        var told = Told.By(Peers, Info(Volume("v", "Replicate", "<replicaCount>3</replicaCount><arbiterCount>1</arbiterCount>", "a", "b", "c")), Status("v", "a", "b", "c"));

        Assert.Equal("v (Replicate, 1 x (2 + 1), tcp): ok", told.Lines);
        Assert.Equal([false, false, true], told.Facts.Value!.Volumes[0].Bricks.Select(brick => brick.IsArbiter));
    }

    [Fact]
    public void Of_3_12_a_tier_is_listed_with_what_could_not_be_read_and_the_others_are_as_ever()
    {
        var told = Told.By("tier");

        Assert.Equal(
            "tiered (Tier, , ): unknown what gluster says of the volume cannot be read: it is tiered, into hot and cold bricks\nvms (Replicate, 1 x 3, tcp): ok",
            told.Lines);
        Assert.Equal(["node1:/ssd/t", "node2:/ssd/t", "node1:/hdd/t", "node2:/hdd/t", "node3:/hdd/t"], told.Answer.GlusterVolumes[0].Bricks);
        Assert.Equal(["node1", "node2", "node3"], told.Answer.Hosts);
    }

    [Fact]
    public void A_tier_of_which_a_brick_is_down_is_degraded_all_the_same()
    {
        var told = Told.By("tier", "volume_status_all_detail.xml", text => Once(text, "<status>1</status>", "<status>0</status>"));

        Assert.Equal(
            "tiered (Tier, , ): degraded brick node1:/ssd/t is down; what gluster says of the volume cannot be read: it is tiered, into hot and cold bricks",
            told.Lines.Split('\n')[0]);
    }

    [Theory]
    [InlineData("Stripe", "<stripeCount>3</stripeCount><replicaCount>1</replicaCount>", "1 x 3")]
    [InlineData("Distributed-Stripe", "<stripeCount>2</stripeCount>", "2 x 2")]
    [InlineData("Striped-Replicate", "<stripeCount>2</stripeCount><replicaCount>2</replicaCount>", "1 x 2 x 2")]
    public void Before_6_volumes_could_be_striped(string type, string counts, string configuration)
    {
        string[] nodes = configuration == "1 x 3" ? ["a", "b", "c"] : ["a", "b", "c", "d"];

        Assert.Equal($"v ({type}, {configuration}, tcp): ok", Told.By(Peers, Info(Volume("v", type, counts, nodes)), Status("v", nodes)).Lines);
    }

    [Fact]
    public void From_6_on_a_thin_arbiter_is_no_brick()
    {
        const string Counts = "<replicaCount>2</replicaCount><arbiterCount>0</arbiterCount><thinArbiterCount>1</thinArbiterCount><thinArbiterBrick>c:/ta</thinArbiterBrick>";

        Assert.Equal("v (Replicate, 1 x 2, tcp): ok", Told.By(Peers, Info(Volume("v", "Replicate", Counts, "a", "b")), Status("v", "a", "b")).Lines);
    }

    [Fact]
    public void Of_11_daemons_may_share_an_element_which_is_none_of_a_bricks()
    {
        const string Daemons = """
            <node><hostname>Self-heal Daemon</hostname><path>localhost</path><hostname>Bitrot Daemon</hostname><path>localhost</path>
            <peerid>1</peerid><status>0</status><port>N/A</port><ports><tcp>N/A</tcp><rdma>N/A</rdma></ports><pid>-1</pid></node>
            """;
        var bricks = Node("a") + Node("b") + Node("c") + Daemons;

        Assert.Equal(
            "v (Replicate, 1 x 3, tcp): ok",
            Told.By(Peers, Info(Volume("v", "Replicate", "<replicaCount>3</replicaCount>", "a", "b", "c")), StatusOf("v", bricks)).Lines);
    }

    [Fact]
    public void What_an_older_version_leaves_out_has_a_default_and_what_a_newer_one_adds_is_passed_over()
    {
        var told = Told.By(
            Peers.Replace("<peer>", "<peer><generation>4</generation>", StringComparison.Ordinal),
            Info("<volume><quux><brick/></quux><name>v</name><statusStr>Started</statusStr><disperseCount>3</disperseCount><redundancyCount>1</redundancyCount>"
                + "<bricks><brick><name>a:/v</name></brick><brick><name>b:/v</name></brick><brick><name>c:/v</name></brick></bricks></volume>"),
            Status("v", "a", "b", "c").Replace("<pid>", "<cpu>9</cpu><pid>", StringComparison.Ordinal));

        Assert.Equal("v (Disperse, 1 x (2 + 1), tcp): ok", told.Lines);
    }

    [Theory]
    [InlineData("warning: /etc/glusterfs: 1 < 2\n")]
    [InlineData("\ufeff")]
    [InlineData("[2031-05-01 10:00:00] I [cli.c:843] 0-cli: <starting>\n\n")]
    public void Words_before_and_after_the_XML_are_passed_over(string words)
    {
        var told = Told.By(
            words + Peers, words + Info(Volume("v", "Distribute", "", "a")) + "\nbye <now>\n", words + Status("v", "a"));

        Assert.Equal("v (Distribute, 1, tcp): ok", told.Lines);
    }

    [Fact]
    public void An_odd_byte_in_an_option_takes_nothing_away()
    {
        var volume = Volume("v", "Distribute", "", "a").Replace(
            "</volume>", "<options><option><name>auth.allow</name><value>\u0001&#1;\ud800é\ud83d\ude00</value></option></options></volume>", StringComparison.Ordinal);

        Assert.Equal("v (Distribute, 1, tcp): ok", Told.By(Peers, Info(volume), Status("v", "a")).Lines);
    }

    internal static string Info(string volumes) => $"<cliOutput><opRet>0</opRet><volInfo><volumes>{volumes}</volumes></volInfo></cliOutput>";

    internal static string Volume(string name, string type, string counts, params string[] nodes) => $"""
        <volume><name>{name}</name><status>1</status><typeStr>{type}</typeStr><transport>0</transport>{counts}
        <bricks>{string.Concat(nodes.Select(node => $"<brick uuid=\"{Id(node)}\">{node}:/{name}<name>{node}:/{name}</name><hostUuid>{Id(node)}</hostUuid></brick>"))}</bricks></volume>
        """;

    internal static string Status(string name, params string[] nodes) =>
        StatusOf(name, string.Concat(nodes.Select(node => Node(node, name))));

    internal static string StatusOfAll(IEnumerable<string> names, params string[] nodes) =>
        Statuses(string.Concat(names.Select(name => Of(name, string.Concat(nodes.Select(node => Node(node, name)))))));

    private static string StatusOf(string name, string nodes) => Statuses(Of(name, nodes));

    private static string Of(string name, string nodes) => $"<volume><volName>{name}</volName>{nodes}</volume>";

    private static string Statuses(string volumes) => $"<cliOutput><opRet>0</opRet><volStatus><volumes>{volumes}</volumes></volStatus></cliOutput>";

    private static string Node(string node, string volume = "v") =>
        $"<node><hostname>{node}</hostname><path>/{volume}</path><peerid>{Id(node)}</peerid><status>1</status><port>N/A</port><pid>7</pid></node>";

    private static int Id(string node) => node[0] - 'a' + 1;

    private static string Once(string text, string old, string changed) =>
        text.IndexOf(old, StringComparison.Ordinal) is var at ? string.Concat(text.AsSpan(0, at), changed, text.AsSpan(at + old.Length)) : text;
}
