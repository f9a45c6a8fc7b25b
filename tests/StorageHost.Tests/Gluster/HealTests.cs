using StorageHost.Gluster;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class HealTests
{
    [Theory]
    [InlineData("heal-none.xml", "rep3", 0, 0)]
    [InlineData("heal-pending.xml", "rep3", 5, 0)]
    [InlineData("heal-pending-disperse.xml", "dd", 2, 0)]
    [InlineData("heal-split-brain.xml", "rep2", 0, 1)]
    public void The_summary_counts_each_entry_once(string file, string volume, int pending, int splitBrain) =>
        Assert.Equal(new HealCounts(pending, splitBrain), HealCounts.Of(Canned.Layout(volume), HealList.ParseSummary(Canned.Xml(file)).Items));

    [Fact]
    public void The_count_knows_no_split_brain() =>
        Assert.Equal(new HealCounts(5, null), HealCounts.Of(Canned.Layout("rep3"), HealList.ParseCount(Canned.Text("heal-count.txt")).Items));

    [Fact]
    public void A_brick_that_could_not_be_asked_is_left_out()
    {
        Assert.Equal("gn1:/data/brick1/rep31 gn3:/data/brick3/rep31", Bricks(HealList.ParseSummary(Canned.Xml("heal-pending.xml")).Items));
        Assert.Equal("gn1:/data/brick1/rep31 gn3:/data/brick3/rep31", Bricks(HealList.ParseCount(Canned.Text("heal-count.txt")).Items));

        static string Bricks(IEnumerable<BrickHeal> heals) => string.Join(' ', heals.Select(heal => heal.Brick));
    }

    [Fact]
    public void The_sets_of_a_volume_add_up()
    {
        var volume = Canned.Layout("dd");
        BrickHeal[] heals = [new("gn1:/data/brick1/dd1", 4, 0), new("gn2:/data/brick2/dd1", 1, 2), new("gn3:/data/brick3/dd2", 10, 1)];

        Assert.Equal(new HealCounts(14, 3), HealCounts.Of(volume, heals));
        Assert.Equal(new HealCounts(int.MaxValue, 0), HealCounts.Of(volume, [heals[0], new("gn3:/data/brick3/dd2", int.MaxValue, null)]));
    }

    [Fact]
    public void Nobody_could_tell() => Assert.Equal(new HealCounts(null, null), HealCounts.Of(Canned.Layout("dd"), []));

    [Fact]
    public void What_is_being_healed_still_waits_to_be_whole()
    {
        var xml = Canned.Text("heal-pending.xml").Replace("PossiblyHealing>0<", "PossiblyHealing>2<", StringComparison.Ordinal);

        Assert.All(HealList.ParseSummary(GlusterXml.Parse(xml)).Items, heal => Assert.Equal(7, heal.Pending));
    }
}
