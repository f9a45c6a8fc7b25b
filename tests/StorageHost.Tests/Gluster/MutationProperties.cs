using FsCheck;
using FsCheck.Fluent;
using StorageHost.Gluster;
using StorageHost.Processes;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class MutationProperties
{
    private static readonly string[] Files =
    [
        "pool-list.xml", "volume-info.xml", "volume-status-locked.xml", "heal-pending.xml", "heal-split-brain.xml", "heal-count.txt", "volume-status-busy.xml",
    ];

    private static readonly string[] Inserts =
        ["", "\0", "<", "</", ">", "/>", "&", "&#0;", "-1", "9", "99999999999999999999", "N/A", "<peer/>", "<volume/>", "<brick/>", "<node/>", "é", "\ud800", "]]>", "<!--"];

    [Fact]
    public void Whatever_gluster_says_is_read_or_refused() => Prop.ForAll(
        Arb.From(
            from file in Gen.Elements(Files)
            let text = Canned.Text(file)
            from cuts in Gen.ListOf(
                from at in Gen.Choose(0, text.Length)
                from length in Gen.OneOf(Gen.Choose(0, 8), Gen.Choose(0, 400))
                from insert in Gen.Elements(Inserts)
                select (at, length, insert), 3)
            select cuts.Aggregate(text, (left, cut) => Splice(left, cut.at, cut.length, cut.insert))),
        Holds).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    /// <summary>Random cuts mostly break the XML; these leave it well-formed and so get further.</summary>
    [Fact]
    public void Whatever_an_element_says_is_read_or_refused() => Prop.ForAll(
        Arb.From(
            from file in Gen.Elements(Files[..5])
            let parts = Canned.Text(file).Split('>')
            from changes in Gen.ListOf(
                from at in Gen.Choose(0, parts.Length - 1)
                from text in Gen.Elements("", "0", "1", "3", "7", "2147483647", "9223372036854775807", "9223372036854775808", "-1", "x", ":/", "localhost")
                select (at, text), 4)
            select string.Join('>', parts.Select((part, index) =>
                changes.Where(change => change.at == index && part.Contains("</", StringComparison.Ordinal))
                    .Select(change => change.text + part[part.IndexOf("</", StringComparison.Ordinal)..])
                    .FirstOrDefault(part)))),
        Holds).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    private static string Splice(string text, int at, int length, string insert)
    {
        at = Math.Min(at, text.Length);
        return string.Concat(text.AsSpan(0, at), insert, text.AsSpan(Math.Min(text.Length, at + length)));
    }

    /// <summary>Every parser reads every answer: a mix-up is just another mutation.</summary>
    private static bool Holds(string output)
    {
        var knowledge = Canned.Knowledge();
        var (rep3, result) = (Canned.Layout("rep3"), new ProcessResult(0, output, "", Truncated: false, TimeSpan.Zero));
        Try(() => knowledge.Learn(rep3, HealCounts.Of(rep3, GlusterAnswer.ReadText("c", result, HealList.ParseCount).Items), Canned.Now));
        Try(() => knowledge.Learn(GlusterAnswer.Read("c", result, PeerList.Parse).Items, Canned.Now));
        Try(() => knowledge.Learn(GlusterAnswer.Read("c", result, VolumeStatusList.Parse).Items, Canned.Now));
        Try(() => knowledge.Learn(GlusterAnswer.Read("c", result, VolumeInfoList.Parse).Items, Canned.Now));
        Try(() => knowledge.Learn(rep3, HealCounts.Of(rep3, GlusterAnswer.Read("c", result, HealList.ParseSummary).Items), Canned.Now));

        return knowledge.ToFacts(null).Value!.Volumes.All(volume =>
            volume.TotalBytes is null or >= 0 && volume.FreeBytes is null or >= 0 && volume.HealPending is null or >= 0 && volume.NeededInSet >= 1);
    }

    private static void Try(Action read)
    {
        try
        {
            read();
        }
        catch (GlusterException)
        {
            // Refused.
        }
    }
}
