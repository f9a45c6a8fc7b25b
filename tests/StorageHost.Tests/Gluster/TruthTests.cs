using FsCheck;
using FsCheck.Fluent;
using StorageHost.ImageStorages;
using Xunit;

namespace StorageHost.Tests.Gluster;

/// <summary>Bricks that could not be asked, and answers that are not whole: nothing is said to be well that is not known to be.</summary>
public sealed class TruthTests
{
    private const string Peers = "pool_list.xml";
    private const string Status = "volume_status_all_detail.xml";
    private static readonly string[] Answers = [Peers, "volume_info.xml", Status];

    private const string Rejected = "peer node3 is rejected, a volume's checksum differs between it and this node: see 'gluster peer status'";
    private const string State = "<state>6</state>";
    private const string Words = "<stateStr>Peer Rejected</stateStr>";

    [Fact]
    public void A_rejected_peer_is_named_with_its_brick_and_what_to_do() =>
        Assert.Equal($"vms (Replicate, 1 x 3, tcp): degraded brick node3:/b/vms could not be asked; {Rejected}", Told.By("peer-rejected").Lines);

    [Theory]
    [InlineData("<state>1</state>", "<stateStr>Probe Sent to Peer</stateStr>", "peer node3 is not in the cluster (Probe Sent to Peer): see 'gluster peer status'")]
    [InlineData("<state>9</state>", "", "peer node3 is not in the cluster (state 9): see 'gluster peer status'")]
    [InlineData("", Words, Rejected)]
    [InlineData(State, "", Rejected)]
    [InlineData("<state>x</state>", Words, Rejected)]
    public void Every_standing_of_a_peer_has_its_words(string state, string stateWords, string words)
    {
        var told = Told.By(
            "peer-rejected", Peers, text => text.Replace(State, state, StringComparison.Ordinal).Replace(Words, stateWords, StringComparison.Ordinal));

        Assert.Equal($"vms (Replicate, 1 x 3, tcp): degraded brick node3:/b/vms could not be asked; {words}", told.Lines);
    }

    [Fact]
    public void A_brick_that_is_missing_is_not_up_whatever_its_node_is()
    {
        var told = Told.By("peer-rejected", Peers, text => text.Replace(State, "<state>3</state>", StringComparison.Ordinal));

        Assert.Equal("vms (Replicate, 1 x 3, tcp): degraded brick node3:/b/vms could not be asked", told.Lines);
    }

    [Fact]
    public void A_node_of_a_brick_that_is_no_peer_is_named()
    {
        var told = Told.By("peer-rejected", Peers, text => text.Replace("<uuid>00000003-", "<uuid>00000009-", StringComparison.Ordinal)
            .Replace(State, "<state>3</state>", StringComparison.Ordinal));

        Assert.EndsWith("; node node3 is no peer of this node: see 'gluster peer status'", told.Lines, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_peers_that_cannot_be_asked_leave_no_quorum()
    {
        var told = Told.By("peer-rejected", Peers, text => text.Replace("<state>3</state>", "<state>6</state>", StringComparison.Ordinal)
            .Replace("Peer in Cluster", "Peer Rejected", StringComparison.Ordinal));

        Assert.StartsWith(
            "vms (Replicate, 1 x 3, tcp): broken bricks node2:/b/vms, node3:/b/vms could not be asked: too few are known to be up for quorum; "
            + "peer node2 is rejected",
            told.Lines,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<status>1</status>", "<status>N/A</status>")]
    [InlineData("<path>/b/vms</path>", "<path/>")]
    [InlineData("<peerid>00000001-", "<peerid>00000007-")]
    public void What_cannot_be_read_of_a_brick_is_not_up(string old, string changed)
    {
        var told = Told.By("peer-rejected", Status, text => text.Replace(old, changed, StringComparison.Ordinal));

        Assert.Contains(": broken bricks node1:/b/vms", told.Lines, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_answers_for_one_brick_are_taken_for_the_worse()
    {
        var node = Canned.Text("3.6/" + Status);
        var (start, end) = (node.IndexOf("<node>", StringComparison.Ordinal), node.IndexOf("</node>", StringComparison.Ordinal));
        var doubled = node.Insert(start, $"{node[start..end].Replace("<status>1<", "<status>0<", StringComparison.Ordinal)}</node>");

        var told = Told.By("3.6", Status, _ => doubled);
        Assert.StartsWith("music (Replicate, 1 x 2, tcp): degraded brick node1:/b/music is down", told.Lines, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3.6")]
    [InlineData("tier")]
    [InlineData("peer-rejected")]
    public void An_answer_cut_at_any_byte_says_of_nothing_that_it_is_well(string folder)
    {
        var hosts = Told.By(folder).Answer.Hosts.Count;
        foreach (var answer in Answers)
        {
            var end = Canned.Text($"{folder}/{answer}").LastIndexOf('>');
            for (var length = 0; length <= end; length++)
            {
                var told = Told.By(folder, answer, text => text[..length]);

                Assert.NotNull(told.Facts.Problem);
                Assert.DoesNotContain(told.Answer.GlusterVolumes, volume => volume.Status == VolumeStatus.Ok);
                Assert.Equal(answer == Peers ? 1 : hosts, told.Answer.Hosts.Count);
            }
        }
    }

    /// <summary>Elements are emptied, dropped, doubled and changed; the XML stays XML.</summary>
    [Fact]
    public void Whatever_an_answer_says_a_volume_is_well_only_when_all_its_bricks_are_up_and_no_host_is_lost() => Prop.ForAll(
        Arb.From(
            from folder in Gen.Elements("3.6", "tier", "peer-rejected")
            from answer in Gen.Elements(Answers)
            from changes in Gen.ListOf(
                from at in Gen.Choose(0, 200)
                from kind in Gen.Choose(0, 3)
                from text in Gen.Elements("", "0", "1", "3", "-", "N/A", "-1", "7", "2147483648", "localhost", "node1", ":/", "/b/vms")
                select (at, kind, text), 4)
            select (folder, answer, changes)),
        mutation => Holds(mutation.folder, mutation.answer, text => mutation.changes.Aggregate(text, Changed)))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(1500));

    private static bool Holds(string folder, string answer, Func<string, string> change)
    {
        var told = Told.By(folder, answer, change);
        var volumes = told.Facts.Value!.Volumes.Zip(told.Answer.GlusterVolumes);
        return told.Answer.Hosts.Count >= (answer == Peers ? 1 : Told.By(folder).Answer.Hosts.Count)
            && volumes.All(pair => pair.Second.Status != VolumeStatus.Ok || (pair.First.Bricks.Count > 0 && pair.First.Bricks.All(IsUp)));

        static bool IsUp(GlusterBrick brick) => brick.IsOnline == true;
    }

    private static string Changed(string text, (int At, int Kind, string Text) change)
    {
        var document = System.Xml.Linq.XDocument.Parse(text);
        var elements = document.Descendants().Where(element => element.Name.LocalName is not ("cliOutput" or "opRet")).ToList();
        if (elements.Count == 0)
        {
            return text;
        }

        var element = elements[change.At % elements.Count];
        switch (change.Kind)
        {
            case 0:
                element.Remove();
                break;
            case 1:
                element.AddAfterSelf(element);
                break;
            case 2:
                element.RemoveNodes();
                break;
            default:
                element.Value = change.Text;
                break;
        }

        return document.ToString();
    }
}
