using Xunit;

namespace StorageHost.IntegrationTests.Torture;

/// <summary>The soak is worth what its model sees.</summary>
public sealed class HistoryTests
{
    private static readonly Dictionary<string, Sight> Sights = new(StringComparer.Ordinal)
    {
        ["made"] = Sight.Made, ["found"] = Sight.Found, ["removed"] = Sight.Removed, ["missed"] = Sight.Missed, ["made?"] = Sight.MayBeMade, ["removed?"] = Sight.MayBeRemoved,
        ["back?"] = Sight.MayReturn,
    };

    /// <summary>Each word is a request: when it was sent, when it was answered, what it says.</summary>
    [Theory]
    [InlineData("1-2 made", Possible.There)]
    [InlineData("1-2 made, 3-4 removed", Possible.Absent)]
    [InlineData("1-2 made, 3-4 made", Possible.Nothing)] // one name given to two
    [InlineData("1-4 made, 2-3 made", Possible.Nothing)]
    [InlineData("1-4 made, 2-3 made, 2-5 removed", Possible.There)]
    [InlineData("1-2 found", Possible.Nothing)] // refused for what never was
    [InlineData("1-2 made, 3-4 missed", Possible.Nothing)] // lost, or unknown reported as absent
    [InlineData("1-2 made, 3-4 missed, 3-5 removed", Possible.Absent)]
    [InlineData("1-2 removed", Possible.Nothing)]
    [InlineData("1-2 missed, 1-2 made", Possible.There)]
    [InlineData("1-9 made?", Possible.There | Possible.Absent)]
    [InlineData("1-9 made?, 2-3 made", Possible.There)]
    [InlineData("1-9 made?, 2-3 found", Possible.There)]
    [InlineData("1-9 made?, 2-3 found, 4-5 missed", Possible.Nothing)]
    [InlineData("1-2 made, 3-9 removed?, 4-5 found, 6-7 missed", Possible.Absent)]
    [InlineData("1-2 made, 3-9 removed?, 4-5 missed, 6-7 found", Possible.Nothing)]
    [InlineData("1-9 made?, 2-3 made, 4-5 removed, 6-7 missed", Possible.There | Possible.Absent)] // it may be made yet
    [InlineData("1-2 made, 3-4 removed, 3-9 back?", Possible.Absent)] // not for good
    [InlineData("1-2 made, 3-4 removed, 5-6 found", Possible.Nothing)]
    [InlineData("1-2 made, 3-4 removed, 3-9 back?, 5-6 found", Possible.Absent)]
    [InlineData("1-2 made, 3-4 removed, 3-9 back?, 5-6 found, 7-8 missed, 9-9 found", Possible.Absent)]
    [InlineData("1-2 made, 3-4 removed, 3-9 back?, 5-6 removed", Possible.Absent)]
    [InlineData("1-2 made, 3-4 removed, 3-9 back?, 5-6 found, 7-8 made", Possible.There)] // a new one stays
    [InlineData("1-2 made, 3-4 removed, 3-9 back?, 5-6 made, 7-8 missed", Possible.Nothing)]
    public void A_history_ends_as_its_answers_allow(string history, Possible end) => Assert.Equal(end, History.End([.. history.Split(", ").Select(Parse)], there: false));

    [Theory]
    [InlineData("1-2 found", Possible.There)]
    [InlineData("1-2 made", Possible.Nothing)]
    [InlineData("1-2 missed", Possible.Nothing)]
    [InlineData("1-2 removed, 3-4 made", Possible.There)]
    public void What_was_there_before_counts(string history, Possible end) => Assert.Equal(end, History.End([.. history.Split(", ").Select(Parse)], there: true));

    private static Event Parse(string text) => text.Split('-', ' ') is [var begun, var ended, var sight]
        ? new Event(begun[0], sight.EndsWith('?') ? long.MaxValue : ended[0], Sights[sight])
        : throw new FormatException(text);
}
