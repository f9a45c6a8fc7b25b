using StorageHost.Gluster;
using Xunit;

namespace StorageHost.Tests.Gluster;

public sealed class QuorumTests
{
    [Theory]
    [InlineData("dist", 1, false)]
    [InlineData("rep3", 2, false)]
    [InlineData("arb", 2, false)]
    [InlineData("dr", 2, false)]
    [InlineData("dd", 2, false)]
    public void Is_the_translators_own_when_nobody_set_it(string volume, int needed, bool tie) => Holds(Canned.Layout(volume), needed, tie);

    [Theory]
    [InlineData("dr2", 1, true)]
    [InlineData("rep2", 2, false)]
    [InlineData("dis", 3, false)]
    public void Is_what_was_set(string volume, int needed, bool tie) => Holds(Canned.Layout(volume), needed, tie);

    [Theory]
    [InlineData(2, "", "", 1, false)]
    [InlineData(2, "none", "", 1, false)]
    [InlineData(3, "none", "", 1, false)]
    [InlineData(2, "auto", "", 1, true)]
    [InlineData(3, "auto", "3", 2, false)]
    [InlineData(4, "", "", 2, true)]
    [InlineData(5, "", "", 3, false)]
    [InlineData(3, "fixed", "1", 1, false)]
    [InlineData(3, "fixed", "3", 3, false)]
    [InlineData(3, "fixed", "9", 3, false)]
    [InlineData(3, "fixed", "0", 1, false)]
    [InlineData(3, "fixed", "x", 1, false)]
    public void Of_replicas(int replicas, string type, string count, int needed, bool tie) =>
        Holds(Made(SetKind.Replica, replicas, 0, ("cluster.quorum-type", type), ("cluster.quorum-count", count)), needed, tie);

    [Theory]
    [InlineData(6, 2, "", 4)]
    [InlineData(6, 2, "5", 5)]
    [InlineData(6, 2, "2", 4)]
    public void Of_fragments(int size, int redundancy, string count, int needed)
    {
        var volume = Made(SetKind.Disperse, size, redundancy, ("disperse.quorum-count", count));

        Assert.Equal("1 x (4 + 2)", volume.Configuration);
        Holds(volume, needed, tie: false);
    }

    private static void Holds(VolumeLayout volume, int needed, bool tie) => Assert.Equal(new Quorum(needed, tie), Quorum.Of(volume));

    private static VolumeLayout Made(SetKind kind, int size, int extra, params (string Name, string Value)[] options) => new(
        "v",
        "",
        "tcp",
        IsStarted: true,
        kind,
        size,
        extra,
        [.. Enumerable.Range(0, size).Select(k => new BrickPlace($"n{k}", "/b", $"{k}", ArbiterIfTold: false))],
        options.Where(option => option.Value.Length > 0).ToDictionary(option => option.Name, option => option.Value, StringComparer.Ordinal));
}
