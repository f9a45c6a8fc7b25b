using System.Globalization;
using StorageHost.Gluster;
using Xunit;

namespace StorageHost.Tests.Gluster;

/// <summary>Which volumes are asked what they have to heal: the question is dear, and there may be hundreds of them.</summary>
public sealed class HealStateTests
{
    private static readonly HealCounts None = new(0, 0);
    private static readonly IReadOnlySet<string> Nothing = new HashSet<string>(StringComparer.Ordinal);

    private readonly HealState heals = new();
    private readonly IReadOnlyList<VolumeLayout> volumes =
        [.. Enumerable.Range(0, 300).Select(n => Canned.Layout("rep3") with { Name = string.Create(CultureInfo.InvariantCulture, $"v{n:000}") })];

    [Fact]
    public void All_are_asked_once_and_then_a_few_in_turns_until_each_was()
    {
        Assert.Equal(300, heals.Due(volumes, Nothing).Count);
        LearnAll(None);

        var turns = string.Join(' ', Enumerable.Range(1, 100).Select(look => Look(Canned.Now.AddMinutes(look))));

        Assert.Equal(string.Join(' ', volumes.Select(volume => volume.Name)), turns);
    }

    [Fact]
    public void Those_that_are_served_come_first_and_always()
    {
        LearnAll(None);

        var due = heals.Due(volumes, new HashSet<string>(StringComparer.Ordinal) { "v077" });

        Assert.Equal("v077 v000 v001 v002", Names(due));
        Assert.Equal(due, heals.Due(volumes, new HashSet<string>(StringComparer.Ordinal) { "v077" }));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    public void Those_that_have_something_to_heal_are_asked_until_they_have_not(int pending, int splitBrain)
    {
        LearnAll(None);
        heals.Learn("v200", new HealCounts(pending, splitBrain), Canned.Now);
        Assert.Contains("v200", Look(Canned.Now.AddMinutes(1), new HealCounts(pending, splitBrain)), StringComparison.Ordinal);
        Assert.Contains("v200", Look(Canned.Now.AddMinutes(2)), StringComparison.Ordinal);
        Assert.DoesNotContain("v200", Look(Canned.Now.AddMinutes(3)), StringComparison.Ordinal);
    }

    [Fact]
    public void Those_of_which_a_brick_was_away_are_asked()
    {
        LearnAll(None);
        var (up, down, again) = (Bricks(true, "7"), Bricks(false, "-1"), Bricks(true, "8"));

        heals.Watch(null, up, 1);
        Assert.DoesNotContain("v200", Look(Canned.Now.AddMinutes(1)), StringComparison.Ordinal);

        heals.Watch(up, down, 1);
        Assert.Contains("v200", Look(Canned.Now.AddMinutes(2)), StringComparison.Ordinal);

        heals.Watch(up, again, 1);
        Assert.Contains("v200", Look(Canned.Now.AddMinutes(3)), StringComparison.Ordinal);

        heals.Watch(again, again, 1);
        Assert.DoesNotContain("v200", Look(Canned.Now.AddMinutes(4)), StringComparison.Ordinal);

        heals.Watch(again, again, 2);
        Assert.Contains("v200", Look(Canned.Now.AddMinutes(5)), StringComparison.Ordinal);
    }

    [Fact]
    public void What_could_not_be_counted_stays_as_it_was_with_its_age()
    {
        heals.Learn("v", new HealCounts(5, 2), Canned.Now);
        Assert.False(heals.Of("v").IsOfEarlier);

        heals.Learn("v", default, Canned.Now.AddMinutes(1));
        Assert.Equal((new HealCounts(5, 2), Canned.Now, true), (heals.Of("v").Counts, heals.Of("v").CountedAt, heals.Of("v").IsOfEarlier));

        heals.Learn("v", new HealCounts(0, null), Canned.Now.AddMinutes(2));
        Assert.Equal((new HealCounts(0, 2), false), (heals.Of("v").Counts, heals.Of("v").IsOfEarlier));
    }

    [Fact]
    public void One_that_cannot_be_counted_waits_for_its_turn()
    {
        LearnAll(default);

        Assert.Equal(3, heals.Due(volumes, Nothing).Count);
    }

    private static VolumeBricks Bricks(bool isOnline, string processId) =>
        new("v200", [new BrickState("1", "gn1", "/b", isOnline, processId, "", null, null)]);

    private void LearnAll(HealCounts counts)
    {
        foreach (var volume in volumes)
        {
            heals.Learn(volume.Name, counts, Canned.Now);
        }
    }

    private string Look(DateTimeOffset now) => Look(now, None);

    private string Look(DateTimeOffset now, HealCounts counts)
    {
        var due = heals.Due(volumes, Nothing);
        foreach (var volume in due)
        {
            heals.Learn(volume.Name, counts, now);
        }

        return Names(due);
    }

    private static string Names(IEnumerable<VolumeLayout> due) => string.Join(' ', due.Select(volume => volume.Name));
}
