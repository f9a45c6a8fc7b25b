using StorageHost.Gluster;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class VolumeInfoTests
{
    [Fact]
    public void Says_of_every_volume_what_the_CLI_prints_as_text()
    {
        // What no part of the daemon reads is left out: ids, snapshots, whether a volume that does not run ever did.
        var printed = Canned.Text("volume-info.txt").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith("Volume ID:", StringComparison.Ordinal) && !line.StartsWith("Snapshot Count:", StringComparison.Ordinal))
            .Select(line => line is "Status: Created" or "Status: Stopped" ? "Status: not started" : line);

        Assert.Equal(string.Join('\n', printed), string.Join('\n', Canned.Layouts().SelectMany(Print)));
    }

    [Theory]
    [InlineData("dist", "3", 1)]
    [InlineData("one", "1", 1)]
    [InlineData("rep3", "1 x 3", 3)]
    [InlineData("arb", "1 x (2 + 1)", 3)]
    [InlineData("dis", "1 x (2 + 1)", 3)]
    [InlineData("dr", "2 x 3", 3)]
    [InlineData("dr2", "2 x 2", 2)]
    [InlineData("darb", "2 x (2 + 1)", 3)]
    [InlineData("dd", "2 x (2 + 1)", 3)]
    public void Knows_how_the_bricks_make_the_volume(string name, string configuration, int setSize)
    {
        var volume = Canned.Layout(name);

        Assert.Equal((configuration, setSize), (volume.Configuration, volume.SetSize));
    }

    [Theory]
    [InlineData(0, "tcp")]
    [InlineData(1, "rdma")]
    [InlineData(2, "tcp,rdma")]
    public void Knows_every_transport(int number, string transport)
    {
        var xml = Canned.Text("volume-info.xml").Replace("<transport>2</transport>", $"<transport>{number}</transport>", StringComparison.Ordinal);

        Assert.Equal(transport, VolumeInfoList.Parse(GlusterXml.Parse(xml)).Items.Single(volume => volume.Name == "rd").Transport);
    }

    [Fact]
    public void A_brick_may_lie_on_an_IPv6_address()
    {
        var xml = Canned.Text("volume-info.xml").Replace("<name>gn2:/data/brick2/one<", "<name>fd00::2:/data:/one<", StringComparison.Ordinal);

        var brick = Assert.Single(VolumeInfoList.Parse(GlusterXml.Parse(xml)).Items.Single(volume => volume.Name == "one").Bricks);
        Assert.Equal(("fd00::2", "/data:/one"), (brick.Node, brick.Path));
    }

    [Fact]
    public void A_cluster_may_have_no_volume() =>
        Assert.Empty(VolumeInfoList.Parse(GlusterXml.Parse("<cliOutput><volInfo><volumes><count>0</count></volumes></volInfo></cliOutput>")).Items);

    [Theory]
    [InlineData("<replicaCount>2</replicaCount>", "<replicaCount>4294967297</replicaCount>", "<replicaCount> is not a count")]
    [InlineData("<replicaCount>3</replicaCount>", "<replicaCount>5</replicaCount>", "3 bricks do not make sets of 5 with 1 to spare")]
    [InlineData("<replicaCount>3</replicaCount>", "<replicaCount>-</replicaCount>", "nothing says how many bricks make a set")]
    [InlineData("<redundancyCount>1<", "<redundancyCount>3<", "6 bricks do not make sets of 3 with 3 to spare")]
    [InlineData("<redundancyCount>1<", "<redundancyCount>N/A<", "nothing says how many bricks of a set may be lost")]
    [InlineData("<arbiterCount>1<", "<arbiterCount>9<", "3 bricks do not make sets of 3 with 9 to spare")]
    [InlineData("<transport>2<", "<transport>3<", "an unknown transport")]
    [InlineData("<transport>2<", "<transport>-1<", "<transport> is not a count")]
    [InlineData("<status>1<", "<status>7<", "nothing says whether it is started")]
    [InlineData("<name>gn1:/data/brick1/dist1</name>", "<name>gn1</name>", "a brick is not node:/path")]
    [InlineData("<name>gn1:/data/brick1/dist1</name>", "<name>:/data</name>", "a brick is not node:/path")]
    [InlineData("<name>dist</name>", "<name/>", "<volume> has no <name>")]
    public void What_cannot_be_is_said_of_the_volume_and_takes_nothing_from_the_others(string sound, string unsound, string unread)
    {
        var xml = Canned.Text("volume-info.xml");
        Assert.Contains(sound, xml, StringComparison.Ordinal);

        var volumes = VolumeInfoList.Parse(GlusterXml.Parse(xml.Replace(sound, unsound, StringComparison.Ordinal)));

        var odd = volumes.Items.Where(volume => volume.Unread is not null).ToList();
        Assert.Equal(unread, odd[0].Unread);
        Assert.Equal($"volume {odd[0].Name}: {unread}", volumes.Unread);
        Assert.All(volumes.Items.Zip(Canned.Layouts()), pair => Assert.True(
            pair.First.Unread is not null || (pair.First.Name, pair.First.Configuration) == (pair.Second.Name, pair.Second.Configuration)));
        Assert.Equal(Canned.Layouts().Count, volumes.Items.Count);
    }

    [Fact]
    public void A_volume_without_a_name_has_its_id()
    {
        var xml = Canned.Text("volume-info.xml").Replace("<name>arb</name>", "<name/>", StringComparison.Ordinal);

        Assert.Equal("7168fb61-817c-4a62-9898-ee365ca4e035", VolumeInfoList.Parse(GlusterXml.Parse(xml)).Items[0].Name);
        xml = xml.Replace("<id>7168fb61-817c-4a62-9898-ee365ca4e035</id>", "", StringComparison.Ordinal);
        Assert.Equal("unnamed-1", VolumeInfoList.Parse(GlusterXml.Parse(xml)).Items[0].Name);
    }

    private static string[] Print(VolumeLayout volume) =>
    [
        $"Volume Name: {volume.Name}",
        $"Type: {volume.Type}",
        volume.IsStarted ? "Status: Started" : "Status: not started",
        $"Number of Bricks: {volume.Configuration}{(volume.Heals ? $" = {volume.Bricks.Count}" : "")}",
        $"Transport-type: {volume.Transport}",
        "Bricks:",
        .. volume.Bricks.Select((brick, index) => $"Brick{index + 1}: {brick.Node}:{brick.Path}{(brick.IsArbiter ? " (arbiter)" : "")}"),
        "Options Reconfigured:",
        .. volume.Options.Select(option => $"{option.Key}: {option.Value}"),
    ];
}
